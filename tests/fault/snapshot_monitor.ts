/**
 * Looks at log and bucket again and again while a run goes on.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { LOG_STREAM } from "./broker_client.ts";
import type { Brokers } from "./brokers.ts";
import { CutRule } from "./cut_rule.ts";
import type { ListedSnapshot, SnapshotBucket } from "./snapshot_bucket.ts";
import type { Sighting, SnapshotWatch } from "./snapshot_watch.ts";

/** How long between two looks. */
const LOOK_MS = 200;

/** How many lists in a row must show that something is wrong. */
const LISTS = 3;

/** Holds what must be true of log and bucket at any time. */
export class SnapshotMonitor {
  readonly #rule = new CutRule();
  #isStopped = false;
  #most_bytes = 0;
  /** How often something had been missed, when all was known for sure. */
  #losses = 0;

  /**
   * @param brokers What it looks at.
   * @param bucket What it looks at.
   * @param sightings Tells what replicas do.
   * @param onSurprise Told of what must not be.
   */
  constructor(
    private readonly brokers: Brokers,
    private readonly bucket: SnapshotBucket,
    private readonly sightings: SnapshotWatch,
    private readonly onSurprise: (what: string) => void,
  ) {
    sightings.listen((sighting) => this.#see(sighting));
  }

  /** The most bytes that the log had. */
  get most_bytes(): number {
    return this.#most_bytes;
  }

  #see({ moment, chunkId, sequence }: Sighting): void {
    if (moment === "mark") this.#rule.marked(chunkId!, sequence!);
    else if (moment === "cut") void this.#judge(sequence!);
  }

  async #judge(sequence: number): Promise<void> {
    const isSure = () => this.sightings.losses === this.#losses;
    if (!isSure()) return;
    // A mark that another server has told before may still be on its way.
    if (this.brokers.servers.length > 1) await this.brokers.flush();
    const fault = this.#rule.faultOf(sequence);
    if (fault !== undefined && isSure()) this.onSurprise(fault);
  }

  /** Looks until `stop`. */
  async watch(): Promise<void> {
    while (!this.#isStopped) {
      await this.#look();
      await sleep(LOOK_MS);
    }
  }

  /**
   * The log is looked at first: both only move on, so that what is listed
   * afterwards can't be the reason for a false alarm.
   */
  async #look(): Promise<void> {
    const { firstSequence, bytes } = await this.brokers.ask((client) =>
      client.look(LOG_STREAM)
    );
    this.#most_bytes = Math.max(this.#most_bytes, bytes);
    const { losses } = this.sightings;
    if (losses !== this.#losses) this.#rule.unsure();
    let snapshots: ListedSnapshot[] = [];
    // Some may come and go between two questions of a list.
    for (let list = 0; list < LISTS; list++) {
      snapshots = await this.bucket.list();
      for (const { isVerified, chunkId, sequence } of snapshots) {
        if (isVerified) this.#rule.marked(chunkId, sequence);
      }
      for (const name of this.bucket.falselyVerified(snapshots)) {
        this.onSurprise(`${name} was damaged, and then marked as whole`);
      }
      if (reaches(snapshots, firstSequence)) {
        this.#losses = losses;
        if (losses === this.sightings.losses) this.#rule.sure();
        return;
      }
    }
    this.onSurprise(
      `the log begins with ${firstSequence}, and the snapshots are at [${
        snapshots.map(({ sequence, isVerified }) =>
          `${sequence}${isVerified ? "" : " (not verified)"}`
        ).join(", ")
      }]`,
    );
  }

  /** Looks no more. */
  stop(): void {
    this.#isStopped = true;
  }
}

/** Whether two snapshots, each with the log after it, have all there was. */
function reaches(
  snapshots: readonly ListedSnapshot[],
  firstSequence: number,
): boolean {
  if (firstSequence === 1) return true;
  const [, older] = snapshots.filter(({ isVerified }) => isVerified);
  return older !== undefined && firstSequence <= older.sequence;
}
