/**
 * Changes that wait for a batch. It does no I/O.
 *
 * @module
 */
import type { Unit } from "./unit.ts";

/** The most changes in one batch. */
export const BATCH_CHANGES_MAX = 1024;

/** The most units that wait: beyond a few batches of single sets, fail fast. */
export const QUEUE_UNITS_MAX = 4 * BATCH_CHANGES_MAX;

/**
 * The most changes of waiting units: 64 clients that send their next array of
 * any length on each answer find room.
 */
const QUEUE_CHANGES_MAX = 64 * BATCH_CHANGES_MAX;

/** A bounded queue of units. */
export class UnitQueue {
  /** Invariant: the longest waiting is first. */
  #units: Unit[] = [];
  #changes = 0;

  /** How many changes wait. */
  get changes(): number {
    return this.#changes;
  }

  /** How many units wait. */
  get units(): number {
    return this.#units.length;
  }

  /** Whether it has room for a unit of so many changes. */
  hasRoom(changes: number): boolean {
    return this.#units.length < QUEUE_UNITS_MAX &&
      this.#changes + changes <= QUEUE_CHANGES_MAX;
  }

  /** Adds a unit behind the others; only while it has room. */
  push(unit: Unit): void {
    this.#units.push(unit);
    this.#changes += unit.count;
  }

  /**
   * @param characters_max The most characters of an entry's text.
   * @param isMixed Whether changes of all versions may share an entry; else
   * each entry holds those of one.
   * @returns The units of the next batch, which wait no more: as many as fit,
   * and at least one.
   */
  takeBatch(characters_max: number, isMixed: boolean): Unit[] {
    const units = this.#units;
    const { version } = units[0];
    let taken = 0;
    let changes = 0;
    // A unit has a bracket or a comma before it, and the last one a bracket
    // behind it.
    let characters = 1;
    for (; taken < units.length; taken++) {
      const unit = units[taken];
      const changesThen = changes + unit.count;
      const charactersThen = characters + 1 + unit.characters;
      const fits = changesThen <= BATCH_CHANGES_MAX &&
        charactersThen <= characters_max &&
        (isMixed || unit.version === version);
      if (!fits && taken > 0) break;
      changes = changesThen;
      characters = charactersThen;
    }
    return this.#take(taken, changes);
  }

  #take(count: number, changes: number): Unit[] {
    this.#changes -= changes;
    return this.#units.splice(0, count);
  }

  /** @returns The units that have waited since a time or longer; they wait no more. */
  takeLate(since_ms: number): Unit[] {
    const units = this.#units;
    let count = 0;
    let changes = 0;
    while (count < units.length && units[count].since_ms <= since_ms) {
      changes += units[count++].count;
    }
    return this.#take(count, changes);
  }

  /** @returns All units, which wait no more. */
  takeAll(): Unit[] {
    return this.#take(this.#units.length, this.#changes);
  }
}
