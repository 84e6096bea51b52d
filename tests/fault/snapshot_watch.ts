/**
 * Sees what replicas do with snapshots at the moment when they ask the broker
 * for it: questions to JetStream are messages, and anyone can subscribe to them.
 *
 * @module
 */
import type { NatsConnection } from "nats";
import { type BrokerClient, LOG_STREAM } from "./broker_client.ts";
import type { Moment } from "./faults.ts";
import { Sightings } from "./sightings.ts";
import { BUCKET_STREAM, CHUNKS, METAS } from "./snapshot_bucket.ts";

const API = "$JS.API.STREAM.";
const CUT = `${API}PURGE.${LOG_STREAM}`;
const DELETE = `${API}PURGE.${BUCKET_STREAM}`;
const READ = `${API}MSG.GET.${BUCKET_STREAM}`;

/** The subjects of all that is looked at. */
const SEEN = [`${CHUNKS}>`, `${METAS}>`, CUT, DELETE, READ];

/** Something that a replica does. */
export interface Sighting {
  readonly moment: Moment;
  /**
   * The id of the snapshot's chunks, which begins with that of the replica that
   * wrote it; undefined if the message does not tell it.
   */
  readonly chunkId: string | undefined;
  /** Of a mark, the snapshot's; of a cut, where the log is to begin. */
  readonly sequence?: number;
}

/** Tells moments to strike at. */
export class SnapshotWatch {
  readonly #sightings = new Sightings<Sighting>();
  /** The ids of the chunks that were asked for. */
  readonly #read = new Set<string>();
  #losses = 0;

  /** @param clients They may see the same, and any of them may be cut off. */
  constructor(clients: readonly BrokerClient[]) {
    for (const { connection } of clients) {
      for (const subject of SEEN) {
        connection.subscribe(subject, {
          callback: (_, { subject, data }) => {
            const sighting = sightingOf(subject, data);
            if (sighting === undefined) return;
            const { moment, chunkId } = sighting;
            if (moment === "read_back") this.#read.add(chunkId!);
            this.#sightings.tell(sighting);
          },
        });
      }
      this.#countLosses(connection);
    }
  }

  async #countLosses(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") this.#losses++;
    }
  }

  /** How often something may have been missed. */
  get losses(): number {
    return this.#losses;
  }

  /** @param listener Told of all that is seen, maybe more than once. */
  listen(listener: (sighting: Sighting) => void): void {
    this.#sightings.listen(listener);
  }

  /** Whether anyone has begun to read a snapshot. */
  wasRead(chunkId: string): boolean {
    return this.#read.has(chunkId);
  }

  /**
   * Waits for a moment.
   *
   * @param writer Whose snapshot it must be of, if that can be told; undefined
   * for anyone's.
   * @returns What was seen; undefined if it did not come in time.
   */
  next(
    moment: Moment,
    writer: string | undefined,
    patience_ms: number,
  ): Promise<Sighting | undefined> {
    const isTheirs = ({ chunkId }: Sighting) =>
      writer === undefined || (chunkId?.startsWith(`${writer}-`) ?? true);
    return this.#sightings.next(
      (sighting) => sighting.moment === moment && isTheirs(sighting),
      patience_ms,
    );
  }
}

/**
 * @param subject Where a message was published.
 * @param data What it says.
 * @returns What it shows; undefined if it is nothing to strike at.
 */
export function sightingOf(
  subject: string,
  data: Uint8Array,
): Sighting | undefined {
  const read = () => JSON.parse(new TextDecoder().decode(data));
  if (subject === CUT) {
    return { moment: "cut", chunkId: undefined, sequence: read().seq };
  }
  if (subject === DELETE) return { moment: "delete", chunkId: undefined };
  if (subject.startsWith(CHUNKS)) {
    return { moment: "chunk", chunkId: subject.slice(CHUNKS.length) };
  }
  if (subject.startsWith(METAS)) {
    const { nuid, metadata } = read();
    if (metadata?.verified === undefined) {
      return { moment: "name", chunkId: nuid };
    }
    const { sequence } = JSON.parse(metadata.backup);
    return { moment: "mark", chunkId: nuid, sequence };
  }
  const { next_by_subj = "" } = read();
  return next_by_subj.startsWith(CHUNKS)
    ? { moment: "read_back", chunkId: next_by_subj.slice(CHUNKS.length) }
    : undefined;
}
