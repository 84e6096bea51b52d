/**
 * What was known when. It does no I/O.
 *
 * @module
 */
import type { ChangeRecord } from "./history.ts";

/** Something that is known from `from_ms` on, or was asked then. */
export interface Moment {
  readonly time_ms: number;
  readonly sequence: number;
}

/** The greatest sequence of all moments up to a time, for ascending times. */
export class Frontier {
  readonly #moments: Moment[];
  #next = 0;
  #sequence = 0;

  constructor(moments: readonly Moment[]) {
    this.#moments = moments.toSorted((a, b) => a.time_ms - b.time_ms);
  }

  /** @returns The greatest sequence that was known before a time. */
  before(time_ms: number): number {
    while (this.#moments[this.#next]?.time_ms < time_ms) {
      const { sequence } = this.#moments[this.#next++];
      this.#sequence = Math.max(this.#sequence, sequence);
    }
    return this.#sequence;
  }
}

/** @returns What clients knew from when on, by their acknowledged changes. */
export function acknowledgements(
  changes: readonly ChangeRecord[],
): Moment[] {
  return changes.flatMap(({ outcome, answered_ms }) =>
    outcome.type === "acknowledged"
      ? [{ time_ms: answered_ms, sequence: outcome.sequence }]
      : []
  );
}

/** @returns The records by the time when they were asked. */
export function byAsked<T extends { asked_ms: number }>(
  records: readonly T[],
): T[] {
  return records.toSorted((a, b) => a.asked_ms - b.asked_ms);
}
