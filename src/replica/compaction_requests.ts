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

/** All who wait for the same snapshot. */
interface Request {
  readonly made: PromiseWithResolvers<MadeSnapshot>;
  /** How many operators wait. */
  waiting: number;
  /** The snapshot's name in the store; undefined until it is written. */
  id: string | undefined;
}

/**
 * At most two requests: one whose snapshot is begun, and one for all who asked
 * later, because their snapshot must begin after they asked.
 */
export class CompactionRequests {
  #begun: Request | undefined;
  #next: Request | undefined;

  /** Whether a snapshot is asked for that is not begun. */
  get isRequested(): boolean {
    return this.#begun === undefined && this.#next !== undefined;
  }

  /** Whether anyone waits. */
  get isHurried(): boolean {
    return (this.#begun ?? this.#next) !== undefined;
  }

  /**
   * Waits for a snapshot that begins from now on.
   *
   * @throws {UnavailableError} If too many wait.
   */
  add(): Promise<MadeSnapshot> {
    const waiting = (this.#begun?.waiting ?? 0) + (this.#next?.waiting ?? 0);
    if (waiting >= WAITING_MAX) {
      return Promise.reject(
        new UnavailableError(
          `${WAITING_MAX} requests wait for a snapshot, which is the limit: wait for one of them`,
        ),
      );
    }
    const request = this.#next ??= {
      made: Promise.withResolvers(),
      waiting: 0,
      id: undefined,
    };
    request.waiting++;
    return request.made.promise;
  }

  /** A snapshot is begun: it is for those who wait now. */
  begin(): void {
    if (this.#begun !== undefined) return;
    this.#begun = this.#next;
    this.#next = undefined;
  }

  /** The snapshot that was begun is written. */
  written(id: string): void {
    if (this.#begun !== undefined) this.#begun.id = id;
  }

  /** A snapshot was read back whole. */
  verified({ id, info: { sequence, rows }, bytes }: StoredSnapshot): void {
    if (this.#begun === undefined || this.#begun.id !== id) return;
    this.#begun.made.resolve({ sequence, rows, bytes });
    this.#begun = undefined;
  }

  /** A snapshot was deleted, which is no failure: another one is made. */
  gone(id: string): void {
    if (this.#begun?.id !== id) return;
    const again = { ...this.#begun, id: undefined };
    this.#begun = undefined;
    if (this.#next === undefined) {
      this.#next = again;
      return;
    }
    this.#next.waiting += again.waiting;
    again.made.resolve(this.#next.made.promise);
  }

  /** The snapshot under way has failed. Those who asked later still get a try. */
  fail(error: Error): void {
    const failed = this.#begun ?? this.#next;
    if (failed === undefined) return;
    if (failed === this.#begun) this.#begun = undefined;
    else this.#next = undefined;
    failed.made.reject(error);
  }

  /** None can be made for anyone. */
  refuse(error: Error): void {
    while (this.isHurried) this.fail(error);
  }
}
