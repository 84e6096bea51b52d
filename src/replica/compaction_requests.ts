/**
 * Operators who wait for a new snapshot.
 *
 * @module
 */
import { UnavailableError } from "../errors.ts";
import type { StoredSnapshot } from "../snapshot/store.ts";

/** The most operators who wait at a time. */
export const WAITING_MAX = 64;

/** A snapshot that was made and read back whole. */
export interface MadeSnapshot {
  readonly sequence: number;
  readonly rows: number;
  readonly bytes: number;
}

/** There is no place for snapshots. */
export class NoPlaceError extends UnavailableError {
  override name = "NoPlaceError";
}

/** One who waits. */
interface Waiting {
  readonly made: PromiseWithResolvers<MadeSnapshot>;
  /** Who asked later has a larger one. */
  readonly order: number;
}

/** All who wait for the same snapshot. */
interface Request {
  readonly waiting: readonly Waiting[];
  /** The snapshot's name in the store; undefined until it is written. */
  id: string | undefined;
}

/**
 * At most two requests: one whose snapshot is begun, and one for all who asked
 * later, because their snapshot must begin after they asked.
 */
export class CompactionRequests {
  #begun: Request | undefined;
  /** Those whose snapshot is not begun, in the order in which they asked. */
  #next: Waiting[] = [];
  #last = 0;

  /** Whether a snapshot is asked for that is not begun. */
  get isRequested(): boolean {
    return this.#begun === undefined && this.#next.length > 0;
  }

  /** Whether anyone waits. */
  get isHurried(): boolean {
    return this.#begun !== undefined || this.#next.length > 0;
  }

  /** The order of the last one who asked; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /**
   * Waits for a snapshot that begins from now on.
   *
   * @throws {UnavailableError} If too many wait.
   */
  add(): Promise<MadeSnapshot> {
    const begun = this.#begun?.waiting.length ?? 0;
    if (begun + this.#next.length >= WAITING_MAX) {
      return Promise.reject(
        new UnavailableError(
          `${WAITING_MAX} requests wait for a snapshot, which is the limit: wait for one of them`,
        ),
      );
    }
    const made = Promise.withResolvers<MadeSnapshot>();
    this.#next.push({ made, order: ++this.#last });
    return made.promise;
  }

  /** A snapshot is begun: it is for those who wait now. */
  begin(): void {
    if (this.#begun !== undefined || this.#next.length === 0) return;
    this.#begun = { waiting: this.#next, id: undefined };
    this.#next = [];
  }

  /** The snapshot that was begun is written. */
  written(id: string): void {
    if (this.#begun !== undefined) this.#begun.id = id;
  }

  /** A snapshot was read back whole. */
  verified({ id, info: { sequence, rows }, bytes }: StoredSnapshot): void {
    if (this.#begun === undefined || this.#begun.id !== id) return;
    for (const { made } of this.#begun.waiting) {
      made.resolve({ sequence, rows, bytes });
    }
    this.#begun = undefined;
  }

  /** A snapshot was deleted, which is no failure: another one is made. */
  gone(id: string): void {
    if (this.#begun?.id !== id) return;
    this.#next.unshift(...this.#begun.waiting);
    this.#begun = undefined;
  }

  /**
   * The snapshot under way has failed, or what comes before the next one.
   *
   * @param upTo The order of the last one who asked before that began: whoever
   * asked later still gets a try.
   */
  fail(error: Error, upTo: number): void {
    const failed = this.#begun?.waiting ??
      this.#next.filter(({ order }) => order <= upTo);
    if (this.#begun !== undefined) this.#begun = undefined;
    else this.#next = this.#next.filter(({ order }) => order > upTo);
    for (const { made } of failed) made.reject(error);
  }

  /** None can be made for anyone. */
  refuse(error: Error): void {
    while (this.isHurried) this.fail(error, this.#last);
  }
}
