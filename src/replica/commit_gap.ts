/**
 * How long ago a set committed, while sets wait. It does no I/O.
 *
 * @module
 */

/** How long after a refusal clients still count as waiting. */
const REFUSED_RECENTLY_MS = 10_000;

/** The time since the last commit, while anyone waits for one. */
export class CommitGap {
  #since_ms = -Infinity;
  #refused_ms = -Infinity;

  #wasRefusedRecently(now_ms: number): boolean {
    return now_ms - this.#refused_ms < REFUSED_RECENTLY_MS;
  }

  /** A set begins to wait, and no other one waits. */
  begins(now_ms: number): void {
    if (!this.#wasRefusedRecently(now_ms)) this.#since_ms = now_ms;
  }

  /** A set did not commit. */
  refused(now_ms: number): void {
    this.#refused_ms = now_ms;
  }

  /** Sets committed. */
  committed(now_ms: number): void {
    this.#since_ms = now_ms;
    this.#refused_ms = -Infinity;
  }

  /**
   * @param isWaiting Whether any set waits now.
   * @returns For how long none has committed, in milliseconds; 0 if none waits
   * and none was refused lately.
   */
  at(now_ms: number, isWaiting: boolean): number {
    return isWaiting || this.#wasRefusedRecently(now_ms)
      ? now_ms - this.#since_ms
      : 0;
  }
}
