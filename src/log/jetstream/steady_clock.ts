/**
 * A clock for deadlines: it never goes back, and it sees a machine that slept.
 *
 * @module
 */

/**
 * By how much the wall clock has to be ahead since the last time, to count. It
 * has whole milliseconds, and the process may have waited between the readings
 * of the two clocks: what little they differ by would add up to twice the time
 * where it is asked for each message.
 */
const SLEPT_MIN_MS = 100;

/**
 * Time by the monotonic clock. That one stands still while the machine is
 * suspended, so a leap of the wall clock counts instead: what must not be done
 * too late is late by either of them. The wall clock can be set back.
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
    const passed_ms = monotonic_ms - this.#monotonic_ms;
    const passedByWall_ms = wall_ms - this.#wall_ms;
    const hasSlept = passedByWall_ms - passed_ms > SLEPT_MIN_MS;
    this.#now_ms += hasSlept ? passedByWall_ms : passed_ms;
    this.#monotonic_ms = monotonic_ms;
    this.#wall_ms = wall_ms;
    return this.#now_ms;
  }
}
