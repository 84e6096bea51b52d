/**
 * Changes that commit together, as one entry of the log. It does no I/O.
 *
 * @module
 */
import { entryText, type EntryVersion } from "../log/change.ts";
import type { UserChange } from "../user_grade.ts";
import type { Unit } from "./unit.ts";

/** A batch that was proposed. */
export class Batch {
  /** What the batch's entry changes, in order. */
  readonly changes: readonly Readonly<UserChange>[];
  /** The version of its entry. */
  readonly version: EntryVersion;
  /** How many of the units, from the first, were told that their time is over. */
  #expiredUnits = 0;
  #expired = 0;

  constructor(
    readonly number: number,
    private readonly units: readonly Unit[],
    readonly proposedAt_ms: number,
  ) {
    const changes: Readonly<UserChange>[] = [];
    let deletions = 0;
    for (const unit of units) {
      unit.addTo(changes);
      deletions += unit.deletions;
    }
    this.changes = changes;
    this.version = deletions > 0 ? 2 : 1;
  }

  /** How many changes its entry has. */
  get size(): number {
    return this.changes.length;
  }

  /**
   * The JSON text of its entry, written at once: a text for each change cost
   * 0.1 µs more a set.
   */
  get text(): string {
    return entryText(this.changes);
  }

  /** How many of the changes, from the first, are of units that have expired. */
  get expired(): number {
    return this.#expired;
  }

  /** The units that still wait: all but the expired ones. */
  get waiting(): readonly Unit[] {
    return this.units.slice(this.#expiredUnits);
  }

  /**
   * @returns The units that have waited since a time or longer. They expire now:
   * each is returned once.
   */
  expire(since_ms: number): readonly Unit[] {
    const first = this.#expiredUnits;
    while (
      this.#expiredUnits < this.units.length &&
      this.units[this.#expiredUnits].since_ms <= since_ms
    ) this.#expired += this.units[this.#expiredUnits++].count;
    return this.units.slice(first, this.#expiredUnits);
  }
}
