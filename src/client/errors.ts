/**
 * How requests fail, by what that means for whoever asked.
 *
 * @module
 */

/** The service's problem document (RFC 9457), as far as it is one. */
export interface Problem {
  readonly detail?: string;
  /** What is wrong with which field, and in which element of an array. */
  readonly errors?: readonly {
    readonly index?: number;
    readonly field: string;
    readonly message: string;
  }[];
  /** Where a failed import stopped, and what it has stored. */
  readonly line?: number;
  readonly rows_committed?: number;
  /** From where changes can still be watched. */
  readonly oldest_sequence?: number;
}

/** An answer that is not the one hoped for. */
export interface Answer {
  readonly status: number;
  /** What it says of itself, on one line; empty if nothing. */
  readonly detail: string;
  readonly problem: Problem;
}

/** A request failed. The message holds no password. */
export class UserGradeError extends Error {
  override name = "UserGradeError";

  /** What the service answered; undefined if no answer came. */
  readonly answer: Answer | undefined;

  constructor(message: string, answer?: Answer, options?: ErrorOptions) {
    super(message, options);
    this.answer = answer;
  }
}

/** The service does not take it as it is: repeating it does not help. */
export class RefusedError extends UserGradeError {
  override name = "RefusedError";
}

/** It can't be done now, and nothing was stored: try again later. */
export class UnavailableError extends UserGradeError {
  override name = "UnavailableError";
}

/**
 * No word came of a change that was sent: it may be stored, or be stored yet.
 * Get the user to see, or send it again where that is harmless.
 */
export class OutcomeUnknownError extends UserGradeError {
  override name = "OutcomeUnknownError";
}

/**
 * Changes can't be watched from there on any more. Take a backup, begin anew
 * with its state, and watch after its sequence.
 */
export class WatchEndedError extends UserGradeError {
  override name = "WatchEndedError";

  /** `forgotten`, or the service's word: `ahead` or `forked`. */
  readonly reason: string;

  constructor(message: string, reason: string, answer?: Answer) {
    super(message, answer);
    this.reason = reason;
  }
}
