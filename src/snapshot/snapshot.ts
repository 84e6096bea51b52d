/**
 * A snapshot: the state at a sequence of a log. A peer's backup, a file, what
 * the embedded log keeps and the state in memory are places that have
 * snapshots; all of them describe it like this and give its rows like this.
 *
 * @module
 */
import type { RowBlock } from "../storage/row_block.ts";

/**
 * Where the log of a state was made whole from a replica's state, after its
 * broker had lost entries.
 */
export interface HealPointsData {
  /** How many such points there ever were: at least one. */
  readonly count: number;
  /** The newest, in their order: the last entry before each, and its digest. */
  readonly points: readonly {
    readonly sequence: number;
    /** 16 hex digits. */
    readonly digest: string;
  }[];
}

/** The entries at which the log of a state may have gone another way than before. */
export interface SeamsData {
  /** All of them after this entry were noted. */
  readonly since: number;
  /** How many there were since: at least one. */
  readonly count: number;
  /**
   * The newest, in their order: each one's sequence, and when the log took it
   * (RFC 3339, UTC, with nanoseconds).
   */
  readonly points: [sequence: number, time: string][];
}

/** What a snapshot is of. */
export interface SnapshotInfo {
  /** The identity of the log. */
  readonly logId: string;
  /** The sequence of the last entry that it includes; 0 before the first. */
  readonly sequence: number;
  /** When the log took that entry: RFC 3339, UTC; null at sequence 0. */
  readonly time: string | null;
  /** How many users it has. */
  readonly rows: number;
  /** The digest of their records, 16 hex digits; undefined in old files. */
  readonly digest: string | undefined;
  /** Left out if the log was never healed. */
  readonly heals?: HealPointsData;
  /** Left out if none is known. */
  readonly seams?: SeamsData;
}

/** A snapshot that can be read once. */
export interface Snapshot extends Disposable {
  readonly info: SnapshotInfo;
  /**
   * Its rows, valid, in any order. Throws if the snapshot turns out to be
   * damaged or breaks off. Only their number and digest show whether rows are
   * missing: `restore()` checks them.
   */
  readonly blocks: AsyncIterable<RowBlock>;
  /** Releases what it holds, read or not; repeating it is harmless. */
  [Symbol.dispose](): void;
}

/** A snapshot is not what its info says. */
export class SnapshotDamagedError extends Error {
  override name = "SnapshotDamagedError";
}
