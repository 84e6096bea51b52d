/**
 * What healing sees of a log that has lost entries, and what it does to it.
 *
 * @module
 */
import { UnavailableError } from "../errors.ts";

/**
 * Up to which entry a log was made whole from a replica's state, after its
 * broker had lost entries, and that state's digest.
 */
export interface HealPoint {
  readonly sequence: number;
  /** 16 hex digits. */
  readonly digest: string;
}

/** A heal point as it stands in the log. */
export interface Fence extends HealPoint {
  /** The sequence of the entry that says it. */
  readonly at: number;
  /** When the log took that entry: RFC 3339, UTC. */
  readonly time: string;
}

/**
 * What a log has lost of what this replica has applied, or that it is being
 * made whole.
 */
export interface LogLoss {
  /**
   * `gone`: there is no stream. `tail`: it ends before what is applied.
   * `fenced`: a fence stands in it, and all up to its heal point is void.
   * `unmarked`: it is empty and ends exactly at what is applied, after a loss
   * or a fence was seen: the mark is missing. `other_log`: the stream is
   * another log, which is never healed.
   */
  readonly type: "gone" | "tail" | "fenced" | "unmarked" | "other_log";
  /** The same in a few words, with numbers. */
  readonly reason: string;
  /** The first entry still there; last + 1 if there is none; 1 if it is gone. */
  readonly firstSequence: number;
  /** The last entry; 0 if the log is gone. */
  readonly lastSequence: number;
  /** The fence that counts, whose mark is not there yet. */
  readonly fence?: Fence;
  /** Why this log can't be healed, and what to do; left out if it can. */
  readonly problem?: string;
}

/** The log's last entry is another one than was expected: nothing was written. */
export class LogMovedError extends UnavailableError {
  override name = "LogMovedError";
}

/** A permission is missing without which no log is healed; the message says which. */
export class HealingForbiddenError extends UnavailableError {
  override name = "HealingForbiddenError";
}

/** What healing does to a log that has lost entries. */
export interface HealableLog {
  /** Looks anew at what is lost; undefined if nothing is. */
  look(): Promise<LogLoss | undefined>;

  /** Makes the log again under its identity; harmless if it is there. */
  remake(): Promise<void>;

  /**
   * Writes a fence, or, directly after the heal point, its mark.
   *
   * @param point The heal point that it says.
   * @param after The entry that has to be the log's last one.
   * @throws {LogMovedError} If another one is the last.
   * @throws {HealingForbiddenError} If it is not allowed.
   * @throws {Error} If the outcome is unknown: look again.
   */
  fence(point: HealPoint, after: number): Promise<void>;

  /**
   * Lets the log begin at the entry after a heal point, although that is beyond
   * its end. Harmless to repeat.
   *
   * @throws {HealingForbiddenError} If it is not allowed.
   * @throws {Error} If the outcome is unknown: look again.
   */
  moveTo(point: HealPoint): Promise<void>;
}
