/**
 * Sees what replicas do with snapshots at the moment when they ask the broker
 * for it: questions to JetStream are messages, and anyone can subscribe to them.
 *
 * @module
 */
import { type BrokerClient, LOG_STREAM } from "./broker_client.ts";
import type { Moment } from "./schedule.ts";
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
  /** The id of the replica that wrote the snapshot, if the message tells it. */
  readonly writer: string | undefined;
}

/** Tells moments to strike at. */
export class SnapshotWatch {
  readonly #waiting = new Set<(sighting: Sighting) => void>();

  /** @param clients They may see the same, and any of them may be cut off. */
  constructor(clients: readonly BrokerClient[]) {
    for (const { connection } of clients) {
      for (const subject of SEEN) {
        connection.subscribe(subject, {
          callback: (_, { subject, data }) => {
            const sighting = sightingOf(subject, data);
            if (sighting === undefined) return;
            for (const tell of this.#waiting) tell(sighting);
          },
        });
      }
    }
  }

  /**
   * Waits for a moment.
   *
   * @param writer Whose snapshot it must be of; undefined for anyone's.
   * @returns Whether it came in time.
   */
  async next(
    moment: Moment,
    writer: string | undefined,
    patience_ms: number,
  ): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const tell = (sighting: Sighting) => {
      const isOther = writer !== undefined && sighting.writer !== undefined &&
        sighting.writer !== writer;
      if (sighting.moment === moment && !isOther) resolve(true);
    };
    this.#waiting.add(tell);
    const timer = setTimeout(() => resolve(false), patience_ms);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(tell);
    }
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
  if (subject === CUT) return { moment: "cut", writer: undefined };
  if (subject === DELETE) return { moment: "delete", writer: undefined };
  if (subject.startsWith(CHUNKS)) {
    return { moment: "chunk", writer: writerOf(subject) };
  }
  if (subject.startsWith(METAS)) {
    const { nuid, metadata } = read();
    return {
      moment: metadata?.verified === undefined ? "name" : "mark",
      writer: writerOf(nuid),
    };
  }
  const { next_by_subj = "" } = read();
  return next_by_subj.startsWith(CHUNKS)
    ? { moment: "read_back", writer: writerOf(next_by_subj) }
    : undefined;
}

/** The id of chunks is the replica's, and something random after it. */
function writerOf(subject: string): string {
  return subject.replace(/-[^-]*$/, "").replace(/^.*\./, "");
}
