/**
 * The kinds of failure that a valid request may meet. What the caller may do
 * next depends on the kind alone, so each such error, of whatever part, is of
 * one of them.
 *
 * @module
 */

/** Nothing was done: the same request may be made again. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

/** The request may have been done or may still be, or its result can't be had. */
export class UnconfirmedError extends Error {
  override name = "UnconfirmedError";
}

/** The request is more than fits at once, and nothing was done: split it. */
export class TooLargeError extends Error {
  override name = "TooLargeError";
}
