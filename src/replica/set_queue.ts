/**
 * Sets that wait for a batch. It does no I/O.
 *
 * @module
 */
import type { Change } from "../log/change.ts";
import type { UserGrade } from "../user_grade.ts";

/** The most sets in one batch. */
export const BATCH_SETS_MAX = 1024;

/** The most sets that wait for a batch: beyond a few batches, fail fast. */
export const QUEUE_SETS_MAX = 4 * BATCH_SETS_MAX;

/** A set that is committed and applied. */
export interface CommittedSet {
  /** The whole record after the set. */
  readonly grade: UserGrade;
  /** The sequence of the set's entry. */
  readonly sequence: number;
}

/** One set on its way. */
export class PendingSet {
  readonly promise: Promise<CommittedSet>;
  resolve!: (committed: CommittedSet) => void;
  reject!: (error: Error) => void;

  constructor(
    readonly change: Change,
    readonly since_ms: number,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** A bounded queue of sets. */
export class SetQueue {
  /** Invariant: the longest waiting is first. */
  #sets: PendingSet[] = [];

  /** How many sets wait. */
  get length(): number {
    return this.#sets.length;
  }

  /** Whether it takes no more. */
  get isFull(): boolean {
    return this.#sets.length >= QUEUE_SETS_MAX;
  }

  /** Adds a set behind the others; only while it is not full. */
  push(set: PendingSet): void {
    this.#sets.push(set);
  }

  /**
   * @param characters_max The most characters of an entry's text.
   * @returns The sets of the next batch, which wait no more: as many as fit,
   * and at least one.
   */
  takeBatch(characters_max: number): PendingSet[] {
    const sets = this.#sets;
    let count = 0;
    // A set has a bracket or a comma before it, and the last one a bracket
    // behind it.
    let characters = 1;
    do {
      characters += 1 + sets[count++].change.text.length;
    } while (
      count < sets.length && count < BATCH_SETS_MAX &&
      characters + 1 + sets[count].change.text.length <= characters_max
    );
    return sets.splice(0, count);
  }

  /** @returns The sets that have waited since a time or longer; they wait no more. */
  takeLate(since_ms: number): PendingSet[] {
    const sets = this.#sets;
    let count = 0;
    while (count < sets.length && sets[count].since_ms <= since_ms) count++;
    return sets.splice(0, count);
  }

  /** @returns All sets, which wait no more. */
  takeAll(): PendingSet[] {
    const sets = this.#sets;
    this.#sets = [];
    return sets;
  }
}
