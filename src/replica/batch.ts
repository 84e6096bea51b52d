/**
 * Sets that commit together, as one entry of the log. It does no I/O.
 *
 * @module
 */
import type { UserGradePatch } from "../user_grade.ts";
import type { PendingSet } from "./set_queue.ts";

/** A batch that was proposed. */
export class Batch {
  #expired = 0;

  constructor(
    readonly number: number,
    private readonly sets: readonly PendingSet[],
    readonly proposedAt_ms: number,
  ) {}

  /** How many sets its entry has. */
  get size(): number {
    return this.sets.length;
  }

  /** How many of the sets, from the first, were told that their time is over. */
  get expired(): number {
    return this.#expired;
  }

  /** What the batch's entry changes, in order. */
  get patches(): readonly UserGradePatch[] {
    return this.sets.map(({ change }) => change.patch);
  }

  /** The sets that still wait: all but the expired ones. */
  get waiting(): readonly PendingSet[] {
    return this.sets.slice(this.#expired);
  }

  /**
   * @returns The sets that have waited since a time or longer. They expire now:
   * each is returned once.
   */
  expire(since_ms: number): readonly PendingSet[] {
    const first = this.#expired;
    while (
      this.#expired < this.sets.length &&
      this.sets[this.#expired].since_ms <= since_ms
    ) this.#expired++;
    return this.sets.slice(first, this.#expired);
  }
}
