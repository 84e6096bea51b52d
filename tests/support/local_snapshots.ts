/**
 * Snapshots that are only noted: what HTTP and metrics see of them.
 *
 * @module
 */
import type {
  KeptSnapshot,
  SnapshotKeeping,
  SnapshotMaker,
  SnapshotView,
} from "../../src/http/ports/snapshots.ts";

/** What a place says of its snapshots, which a test sets. */
export class LocalKeeping implements SnapshotKeeping {
  newest: KeptSnapshot | null = null;
  problem: string | undefined;
  failures = 0;
  logBytesSince = 0;
}

/** The state that a snapshot would hold. */
export interface LocalState {
  readonly appliedSequence: number;
  readonly users: number;
}

/** How large a snapshot is said to be. */
export const LOCAL_SNAPSHOT_BYTES = 1_000;

/** When the log is said to have taken the last entry of a snapshot. */
const LOCAL_SNAPSHOT_TIME = "2026-11-23T22:49:59.123456789Z";

/** The snapshots of a service without a store. */
export class LocalSnapshots implements SnapshotView, SnapshotMaker {
  readonly log = { bytes: 0, isLimited: false };
  readonly places: {
    readonly log: LocalKeeping;
    folder: LocalKeeping | undefined;
  } = { log: new LocalKeeping(), folder: undefined };
  /** What making one fails with. */
  failure: Error | undefined;
  /** Making one waits for this. */
  gate: Promise<void> = Promise.resolve();
  /** How many were asked for. */
  asked = 0;
  /** How many were made. */
  made = 0;

  constructor(private readonly state: LocalState) {}

  async make() {
    this.asked++;
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    this.made++;
    const { appliedSequence: sequence, users: rows } = this.state;
    const bytes = LOCAL_SNAPSHOT_BYTES;
    this.places.log.newest = { sequence, time: LOCAL_SNAPSHOT_TIME, bytes };
    return { sequence, rows, bytes };
  }
}
