/**
 * Open snapshots, which the other thread refers to by number.
 *
 * @module
 */
import { SnapshotStoreError } from "../../snapshot/store.ts";

/** The most snapshots of a kind that are open at a time. */
const OPEN_SNAPSHOTS_MAX = 16;

/** Objects that the other thread refers to by number. */
export class Numbered<T> {
  readonly #things = new Map<number, T>();
  #last = 0;

  /** @param name What they are. */
  constructor(private readonly name: string) {}

  /** @throws {SnapshotStoreError} If there are as many as there may be. */
  checkRoom(): void {
    if (this.#things.size >= OPEN_SNAPSHOTS_MAX) {
      throw new SnapshotStoreError(
        `${OPEN_SNAPSHOTS_MAX} snapshots are open, which is the limit`,
      );
    }
  }

  add(thing: T): number {
    this.#things.set(++this.#last, thing);
    return this.#last;
  }

  get(number: number): T {
    const thing = this.#things.get(number);
    if (thing === undefined) {
      throw new SnapshotStoreError(`The snapshot's ${this.name} is closed`);
    }
    return thing;
  }

  /** @returns What had that number; undefined if nothing has it. */
  remove(number: number): T | undefined {
    const thing = this.#things.get(number);
    this.#things.delete(number);
    return thing;
  }
}
