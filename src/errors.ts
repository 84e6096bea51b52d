/**
 * The two kinds of failure that are not the caller's fault. What the caller may
 * do next depends on the kind alone, so each such error, of whatever part, is
 * of one of them.
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
