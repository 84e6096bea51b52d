/**
 * Waiting until a sequence is applied.
 *
 * @module
 */
import { UnavailableError } from "../errors.ts";

/** The most that wait at a time. */
export const WAITERS_MAX = 10_000;

/** The sequence was not reached in time, or too many are waiting. */
export class SequenceNotReachedError extends UnavailableError {
  override name = "SequenceNotReachedError";
}

interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
}

/** Those who wait for a sequence, each until its own deadline. */
export class SequenceWaiters {
  #waiters: Waiter[] = [];
  /** Invariant: no waiter waits for less. */
  #lowest = Infinity;

  /**
   * @param sequence The sequence to wait for.
   * @param deadline When to give up, in the time of {@linkcode expire}.
   * @returns Resolves once it is reached; rejects with
   * {@linkcode SequenceNotReachedError} at the deadline.
   * @throws {SequenceNotReachedError} At once, if too many are waiting.
   */
  wait(sequence: number, deadline: number): Promise<void> {
    if (this.#waiters.length >= WAITERS_MAX) {
      throw new SequenceNotReachedError(
        `${WAITERS_MAX} requests are waiting for a sequence, which is the limit: try again, or ask another replica`,
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ sequence, resolve, reject, deadline });
      this.#lowest = Math.min(this.#lowest, sequence);
    });
  }

  /** Resolves all waits for `sequence` or less. */
  reached(sequence: number): void {
    if (sequence < this.#lowest) return;
    for (const waiter of this.#remove((one) => one.sequence <= sequence)) {
      waiter.resolve();
    }
  }

  /** Rejects all waits whose deadline is `now` or earlier. */
  expire(now: number): void {
    for (const waiter of this.#remove((one) => one.deadline <= now)) {
      waiter.reject(
        new SequenceNotReachedError(
          `This replica has not applied sequence ${waiter.sequence} yet: try again, or ask another replica`,
        ),
      );
    }
  }

  #remove(gone: (waiter: Waiter) => boolean): Waiter[] {
    const removed = this.#waiters.filter(gone);
    if (removed.length > 0) {
      this.#waiters = this.#waiters.filter((waiter) => !gone(waiter));
      this.#lowest = this.#waiters.reduce(
        (lowest, { sequence }) => Math.min(lowest, sequence),
        Infinity,
      );
    }
    return removed;
  }
}
