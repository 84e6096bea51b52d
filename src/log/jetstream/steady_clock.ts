/**
 * A clock for deadlines: it never goes back, and it sees a machine that slept.
 *
 * @module
 */

/**
 * Time that passes as fast as the faster of two clocks. The monotonic one
 * stands still while the machine is suspended, and the wall clock can be set
 * back; what must not be done too late is late by either of them.
 */
export class SteadyClock {
  #monotonic_ms: number;
  #wall_ms: number;
  #now_ms = 0;

  /**
   * @param monotonic_ms The monotonic clock, as `performance.now()` gives it.
   * @param wall_ms The wall clock, as `Date.now()` gives it.
   */
  constructor(monotonic_ms: number, wall_ms: number) {
    this.#monotonic_ms = monotonic_ms;
    this.#wall_ms = wall_ms;
  }

  /** @returns The milliseconds since the start. */
  now(monotonic_ms: number, wall_ms: number): number {
    this.#now_ms += Math.max(
      monotonic_ms - this.#monotonic_ms,
      wall_ms - this.#wall_ms,
    );
    this.#monotonic_ms = monotonic_ms;
    this.#wall_ms = wall_ms;
    return this.#now_ms;
  }
}
