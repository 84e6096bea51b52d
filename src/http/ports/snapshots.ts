/**
 * What the routes for backups and snapshots need of the service, and what is
 * said of snapshots.
 *
 * @module
 */
import type { Snapshot } from "../../snapshot/snapshot.ts";

/** Has the state that a backup holds. */
export interface BackupSource {
  /**
   * @returns The state as it is now; to be disposed of after use.
   * @throws {UnavailableError} If there is no whole state now.
   */
  snapshot(): Snapshot;
}

/** A snapshot that is kept and was read back whole. */
export interface KeptSnapshot {
  /** The sequence of the last entry that it includes. */
  readonly sequence: number;
  /** When the log took that entry: RFC 3339, UTC; null at sequence 0. */
  readonly time: string | null;
  /** Its size where it is kept. */
  readonly bytes: number;
}

/** The snapshots of one place: of the log itself, or of a folder. */
export interface SnapshotKeeping {
  /** The newest one that was read back whole; null before the first. */
  readonly newest: KeptSnapshot | null;
  /** Why none is made at present; undefined if all is well. */
  readonly problem: string | undefined;
  /** How often making one has failed. */
  readonly failures: number;
  /** How many bytes of log came after the newest. */
  readonly logBytesSince: number;
}

/** How large the log is. */
export interface LogSize {
  /** All entries that it holds, in bytes as its engine counts them. */
  readonly bytes: number;
  /**
   * Whether a limit that was set by hand takes old entries, so that it can take
   * some that no snapshot holds.
   */
  readonly isLimited: boolean;
}

/** Knows the snapshots of all places. */
export interface SnapshotView {
  readonly log: LogSize;
  /** The place that the log is cut behind, and the folder if there is one. */
  readonly places: {
    readonly log: SnapshotKeeping;
    readonly folder: SnapshotKeeping | undefined;
  };
}

/** Makes snapshots on demand. */
export interface SnapshotMaker {
  /**
   * Makes a snapshot of the state at the time of the call, or of a later one.
   *
   * @returns The snapshot, once it was read back whole.
   * @throws {UnavailableError} If none can be made now; the message has the
   * cause and the remedy.
   */
  make(): Promise<{
    readonly sequence: number;
    readonly rows: number;
    readonly bytes: number;
  }>;
}
