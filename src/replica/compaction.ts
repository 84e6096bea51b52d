/**
 * When and how a log is given a snapshot in place of its old entries, so that
 * it grows with the users and not with the sets ever made.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { saveSnapshot, type SnapshotStore } from "../snapshot/store.ts";
import type { Replica } from "./replica.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** Fewer sets than this are replayed at a start rather than compacted. */
export const SETS_BETWEEN_SNAPSHOTS_MIN = 100_000;

/** The log as compaction needs it. */
export interface CompactedLog {
  readonly snapshots: SnapshotStore;
  /** Lets go of the entries up to a sequence. */
  trim(sequence: number): Promise<void>;
}

/**
 * Whether it is time for a snapshot. Writing one costs as much as its users: to
 * wait for as many sets keeps the cost of each set constant.
 *
 * @param sets How many sets were applied since the last snapshot.
 * @param setsAtFailure How many that were when the last try failed; 0 if none
 * has failed since that snapshot.
 * @param users How many users there are.
 */
export function isSnapshotDue(
  { sets, setsAtFailure, users }: {
    sets: number;
    setsAtFailure: number;
    users: number;
  },
): boolean {
  return sets >= users && sets >= setsAtFailure + SETS_BETWEEN_SNAPSHOTS_MIN;
}

/** Compacts the log of one replica. */
export class Compaction {
  #running = false;
  /** How many sets had been applied when the last snapshot was taken. */
  #setsInSnapshot = 0;
  #setsAtFailure = 0;

  constructor(
    private readonly replica: Replica,
    private readonly log: CompactedLog,
  ) {}

  /** To be called after entries were applied: begins a snapshot if it is time. */
  consider(): void {
    const { applied, users, writable } = this.replica;
    const sets = applied.sets - this.#setsInSnapshot;
    const setsAtFailure = this.#setsAtFailure;
    if (
      this.#running || !writable ||
      !isSnapshotDue({ sets, setsAtFailure, users })
    ) return;
    this.#running = true;
    this.#compact(applied.sets).finally(() => this.#running = false);
  }

  /** @param applied How many sets the snapshot will include. */
  async #compact(applied: number): Promise<void> {
    using snapshot = this.replica.snapshot();
    const { sequence, rows } = snapshot.info;
    try {
      const { id } = await saveSnapshot(snapshot, this.log.snapshots);
      this.#setsInSnapshot = applied;
      this.#setsAtFailure = 0;
      logger.info("The log has a new snapshot of {rows} users at {sequence}", {
        rows,
        sequence,
      });
      await this.#letGo(id, sequence);
    } catch (error) {
      this.#setsAtFailure = applied - this.#setsInSnapshot;
      logger.warn("The log can't be compacted and goes on growing: {reason}", {
        reason: (error as Error).message,
      });
    }
  }

  /** Lets go of what a snapshot stands in for: entries and older snapshots. */
  async #letGo(id: string, sequence: number): Promise<void> {
    const { snapshots } = this.log;
    for (const older of await snapshots.list()) {
      if (older.id !== id) await snapshots.delete(older.id);
    }
    await this.log.trim(sequence);
  }
}
