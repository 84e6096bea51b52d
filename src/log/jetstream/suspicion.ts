/**
 * Telling a stream that is another one from a stream whose servers have yet to
 * agree. It does no I/O.
 *
 * @module
 */

/**
 * How long a stream that several servers keep has to look like another log, at
 * each look, until it is taken for one. Its leader may be behind what another
 * server has delivered: by moments when it applies late, and for as long as it
 * is cut off and still takes itself for the leader, up to 20 s in NATS.
 */
export const SUSPICION_MS = 30_000;

/** A difference that counts only when it lasts. */
export class Suspicion {
  /** When it was seen first, without having been away since. */
  #since_ms: number | undefined;

  /**
   * Takes note that the difference was seen.
   *
   * @param now_ms The time in milliseconds.
   * @returns Whether it has lasted long enough to count.
   */
  lasts(now_ms: number): boolean {
    this.#since_ms ??= now_ms;
    return now_ms - this.#since_ms >= SUSPICION_MS;
  }

  /** There is no difference, or nobody answers: the time starts anew. */
  clear(): void {
    this.#since_ms = undefined;
  }
}
