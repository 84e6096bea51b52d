/**
 * The facts that compaction depends on, and its steps. The only code says which
 * snapshots count.
 *
 * @module
 */
import type { LogRetention } from "../log/log.ts";
import type { StoredSnapshot } from "../snapshot/store.ts";

/** How many snapshots are kept where the log is cut behind the older one. */
export const KEPT_BESIDE_LOG = 2;

/** A snapshot in the store. */
export interface KnownSnapshot extends StoredSnapshot {
  /**
   * Whether it is of this log: the log's id is the same and, where the log
   * still has the entry at its sequence, that entry's time.
   */
  readonly isOfThisLog: boolean;
  /** Whether this replica wrote it since its start. */
  readonly isOwn: boolean;
  /**
   * Whether it is given up: reading it back found that it is damaged, or has
   * failed too often. It may have been read back whole before.
   */
  readonly isUnreadable: boolean;
  /**
   * Whether this replica has read it back whole while the newest of those that
   * were read back was there. Else it may have been damaged since.
   */
  readonly isReadAgain: boolean;
}

/** The store, and what is done for it. */
export interface CompactionPlace {
  /** Whether other replicas use the store too. */
  readonly isShared: boolean;
  /** Whether the log is cut behind its snapshots. */
  readonly trims: boolean;
  /**
   * How many snapshots are kept. Invariant: {@linkcode KEPT_BESIDE_LOG} where
   * the log is cut.
   */
  readonly kept: number;
}

/** What the operator wants. */
export interface CompactionPolicy {
  /** How much the log may grow before a snapshot is made; 0: never by itself. */
  readonly logBytes: number;
  /** How old the newest snapshot may become; undefined for no limit. */
  readonly interval_ms: number | undefined;
}

/** The replica and its cluster now. */
export interface CompactionSituation {
  /** Why this replica can't act now; undefined if it is ready and can commit. */
  readonly blocked: string | undefined;
  readonly appliedSequence: number;
  /** @returns How many bytes of log came after a sequence. */
  logBytesSince(sequence: number): number;
  /** Limits of the log, set by hand, that take old entries. */
  readonly retention: LogRetention;
  /** Why the log must not be cut; undefined if it may be. */
  readonly cutProblem?: string | undefined;
  /** How many ready replicas come before this one; 0: it is the first. */
  readonly rank: number;
  /**
   * The lowest sequence that a replica which is catching up has applied;
   * undefined if none is catching up.
   */
  readonly slowestSequence: number | undefined;
}

/** All that the next step depends on. */
export interface CompactionFacts extends CompactionSituation {
  /** A clock that never goes back. */
  readonly now_ms: number;
  /** The date, as `Date.now()`: times of snapshots are compared with it. */
  readonly date_ms: number;
  readonly place: CompactionPlace;
  readonly policy: CompactionPolicy;
  /** Newest first, as the store lists them. */
  readonly snapshots: readonly KnownSnapshot[];
  /** Of the log, looked up after the snapshots were listed. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /**
   * The sequence up to which entries may have been removed from the middle of
   * the log; 0 if it has all: no start goes on from an older state.
   */
  readonly removedTo: number;
  /**
   * Whether nothing shows that the log's first entry comes after the state
   * before it: no start goes on from a snapshot of that state.
   */
  readonly beginsUnproven: boolean;
  /** Whether an operator waits for a snapshot that is not begun yet. */
  readonly isRequested: boolean;
  /** Whether any operator waits: then there is no wait after a failure. */
  readonly isHurried: boolean;
  /** The failures since the last success. */
  readonly failure: CompactionFailure | undefined;
  /** The last snapshot that this replica wrote, and how long that took. */
  readonly lastWrite:
    | {
      /** Its name in the store. */
      readonly id: string;
      readonly endedAt_ms: number;
      readonly took_ms: number;
    }
    | undefined;
  /**
   * Since when the newest snapshot that was read back has been seen here;
   * undefined if there is none.
   */
  readonly newestSince_ms: number | undefined;
  /** Since when each step has been wanted, by `stepKey()`. */
  readonly wantedSince: ReadonlyMap<string, number>;
}

/** What went wrong. */
export interface CompactionFailure {
  /** How many steps in a row. */
  readonly count: number;
  /** When the last one failed. */
  readonly at_ms: number;
  /** Whether the store may not be used at all. */
  readonly isForbidden: boolean;
}

/** What is to be done. */
export type WorkStep =
  /** Write a snapshot. */
  | { readonly type: "write"; readonly reason: string }
  /** Read a snapshot back; delete it if it is damaged. */
  | { readonly type: "verify"; readonly snapshot: KnownSnapshot }
  /** Delete a snapshot. */
  | { readonly type: "delete"; readonly snapshot: KnownSnapshot }
  /** Let go of the log's entries before a snapshot; `newer` is kept too. */
  | {
    readonly type: "trim";
    readonly older: KnownSnapshot;
    readonly newer: KnownSnapshot;
  };

/** Nothing is to be done now. */
export interface NoStep {
  readonly type: "none";
  readonly reason: string;
  /** Whether an operator should know of it. */
  readonly isProblem: boolean;
  /** Whether all is as it should be. */
  readonly isDone?: boolean;
}

/** The next step. */
export type Step = WorkStep | NoStep;

/**
 * @returns This log's snapshots that were read back whole and are not known to
 * be damaged, newest first.
 */
export function verifiedOf(
  snapshots: readonly KnownSnapshot[],
): KnownSnapshot[] {
  return snapshots.filter(({ isOfThisLog, isVerified, isUnreadable }) =>
    isOfThisLog && isVerified && !isUnreadable
  );
}
