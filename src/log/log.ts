/**
 * The replicated log as a replica sees it: entries in one order, each with its
 * sequence. Two engines implement it, and one contract test suite holds both.
 *
 * @module
 */
import { UnavailableError, UnconfirmedError } from "../errors.ts";
import type { EntryVersion } from "./change.ts";
import type { Fence, HealPoint, LogLoss } from "./healable_log.ts";

/** What a log says of itself when it is opened. */
export interface LogInfo {
  /** The log's identity: two logs never share one. */
  readonly id: string;
  /** Whether it was made by this opening. */
  readonly isNew: boolean;
  /** The sequence of the first entry still there; last + 1 when there is none. */
  readonly firstSequence: number;
  /** The sequence of the last entry; 0 for a log that never had one. */
  readonly lastSequence: number;
  /**
   * The fence up to whose heal point the log is being made whole; left out if
   * there is none.
   */
  readonly fence?: Fence;
}

/** Where a log stands. */
export interface LogLocation {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The time of the entry that was asked for. */
  readonly time: string | undefined;
  /**
   * How many entries between the first and the last one are not there, because
   * someone has removed them; left out if there are all.
   */
  readonly removed?: number;
  /**
   * The entry that the log begins with, if it comes directly after the sequence
   * asked for and the log may have gone two ways. Unless it is the mark of a
   * healing to there, nothing shows that a state at that sequence is of the
   * log's history; or unless it says, as `after`, when the log took the entry
   * before it, and that is the state's last one.
   */
  readonly begin?: {
    readonly mark: HealPoint | undefined;
    readonly after?: string;
  };
}

/**
 * Limits that were set on a log by hand and that take its oldest entries;
 * undefined where there is none.
 */
export interface LogRetention {
  /** How old an entry gets, in milliseconds. */
  readonly age_ms: number | undefined;
  /** How many bytes all entries may have, as the engine counts them. */
  readonly bytes: number | undefined;
  /** How many entries there may be. */
  readonly entries: number | undefined;
}

/** No limits. */
export const NO_RETENTION: LogRetention = {
  age_ms: undefined,
  bytes: undefined,
  entries: undefined,
};

/** What a log has and takes, which may change while it is used. */
export interface LogLimits {
  /** The log's identity. */
  readonly id: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The bytes of all entries that the log holds now, as the engine counts them. */
  readonly bytes: number;
  readonly retention: LogRetention;
  /** Why the log must not be cut, and what to do; left out if it may be. */
  readonly cutProblem?: string;
  /** The most bytes of an entry's payload that the log takes now. */
  readonly entryBytesMax: number;
}

/** One entry, in its place. */
export interface LogEntry {
  /** Its place: 1 for the first, and one more each. */
  readonly sequence: number;
  /** When the log took it: RFC 3339, UTC. */
  readonly time: string;
  /** The number of this replica's own batch that the entry is, if it is one. */
  readonly batch?: number;
  /** The entry's bytes; left out for an own batch, which its proposer holds. */
  readonly payload?: Uint8Array<ArrayBuffer>;
  /** The version of the payload; 1 if it is left out. */
  readonly version?: EntryVersion;
  /**
   * The entry marks that the log was made whole up to the entry before it. It
   * changes no record, and has neither batch nor payload.
   */
  readonly heal?: HealPoint;
  /**
   * The log may have gone another way before: the entry is one of the first that
   * its proposer has proposed over its server.
   */
  readonly isSeam?: true;
}

/** The next entries, as one read gives them. */
export interface LogRead {
  /** In order and without a gap. */
  readonly entries: LogEntry[];
  /** How many bytes they have in the log, as the engine counts them. */
  readonly bytes: number;
}

/** How the log is, as far as this replica can tell. */
export interface LogStatus {
  /**
   * `connected`: sets can be proposed, and commit. `away`: they can't or don't
   * for now. `ahead_of_log`: the log lost entries that this replica has
   * applied; no entry comes until it has them again. `upgrade_required`: the
   * next entry is of a version unknown here; that lasts until the replica is
   * started anew. `healing`: the log is being made whole from the state of one
   * of the replicas. `forked`: an entry that this replica has applied is another
   * one in the log.
   */
  readonly state:
    | "connected"
    | "away"
    | "ahead_of_log"
    | "upgrade_required"
    | "healing"
    | "forked";
  /** Why, in a few words. */
  readonly reason: string;
  /**
   * While `away`: the next entry, which the log does not have any more. Only a
   * snapshot that includes it brings this replica back, or the entry itself.
   */
  readonly missing?: number;
  /**
   * What is lost, while `ahead_of_log` or `healing`; also while `away` because
   * servers may have yet to agree.
   */
  readonly loss?: LogLoss;
  /**
   * While `away`: the log looks as if it went on from another state, unless its
   * servers have yet to agree.
   */
  readonly mayBeForked?: true;
  /**
   * While `away`: the log has all that this replica has applied, as its last look
   * at it has shown, and the other replicas are asked for theirs.
   */
  readonly isWhole?: true;
  /** Whether it was told not long ago: two causes take turns, say. */
  readonly isRepeated?: boolean;
}

/** The proposed batch is certainly not in the log and never will be. */
export class NotStoredError extends UnavailableError {
  override name = "NotStoredError";
}

/** The outcome is unknown: the batch may be in the log, or may still come. */
export class OutcomeUnknownError extends UnconfirmedError {
  override name = "OutcomeUnknownError";
}

/** The log can't be used at all: the replica must stop. */
export class LogFailedError extends Error {
  override name = "LogFailedError";
}

/**
 * The log is not opened, because it would have to be made: it was not there when
 * it was looked for, and that is too long ago. Look for it again, hear who else
 * has applied one meanwhile, and open it then.
 */
export class FindAgainError extends Error {
  override name = "FindAgainError";
}

/** What to do about a replica that is forked. */
export const FORK_REMEDY =
  'keep this replica running, save its backup and that of another one, import there what is missing, delete there whom this side alone has deleted ("Two histories" in src/OPERATIONS.md), and only then start this one anew';

/** An ordered, durable log of entries, shared by the replicas of a cluster. */
export interface ReplicatedLog {
  /** The sequence of the last entry, as far as is known. */
  readonly lastSequence: number;

  /**
   * Opens the log, making it if it is not there.
   *
   * @param id The identity of a log that is made now, or that has had no entry
   * yet; one of its own if it is left out.
   * @throws {LogFailedError} If it can't be used; the message says what to do.
   * @throws {FindAgainError} If it has to be looked for again before.
   */
  open(id?: string): Promise<LogInfo>;

  /**
   * Looks where the log stands now.
   *
   * @param sequence A sequence.
   * @returns The first and the last sequence, as in {@linkcode LogInfo}, and
   * the time of the entry at `sequence`; undefined if the log does not have it.
   */
  locate(sequence: number): Promise<LogLocation>;

  /**
   * All entries after a sequence, those to come included, in order and without
   * a gap; the log must be open. The consumer's pace holds the log back. Only one iteration at a time;
   * where the log is shared, a new one ends the one before, and the batches
   * under way with it.
   *
   * @param after The sequence before the first entry wanted.
   * @param time When the log took that entry, if the caller knows: a log whose
   * entry `after` is another one is not the log that the caller has applied.
   * @throws {LogFailedError} While iterating, if the log can't go on.
   */
  entries(after: number, time?: string | null): AsyncIterable<LogRead>;

  /**
   * Proposes a batch. It is committed when it comes back: then the promise
   * resolves, and `entries` yields it with its `batch` number.
   *
   * @param batch A number that this replica has not used before.
   * @param payload The entry's bytes.
   * @param version Their version; 1 if it is left out.
   * @throws {NotStoredError} If it is certainly not stored; try again later.
   * @throws {OutcomeUnknownError} If the outcome is unknown. Should it come back after
   * all, `entries` yields it like another replica's.
   */
  propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version?: EntryVersion,
  ): Promise<void>;

  /** Closes the log; `entries` ends. Proposals under way have an end first. */
  close(): Promise<void>;
}

/** A log that lets go of old entries, of which a snapshot holds the state. */
export interface TrimmableLog extends ReplicatedLog {
  /**
   * Lets go of the entries before one; that one stays, so that a snapshot at
   * it can still be compared with the log. They may stay for a while.
   *
   * @param sequence The entry that is to be the first one.
   * @returns The sequence of the first entry that counts from now on.
   * @throws {RangeError} If the log does not reach so far; it is as before.
   * @throws {Error} If it can't be done now.
   */
  trim(sequence: number): Promise<number>;
}
