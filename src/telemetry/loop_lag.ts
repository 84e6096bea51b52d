/**
 * How late the main thread does what is due: what every request waits for too.
 *
 * @module
 */
import { Histogram, MILLISECOND_BOUNDS } from "../histogram.ts";

/** Measures how late regular calls come. */
export class LoopLag {
  /** How many seconds the calls came late. */
  readonly seconds = new Histogram(MILLISECOND_BOUNDS);
  #last_ms: number | undefined;

  /** @param period_ms The time from one call to the next. */
  constructor(private readonly period_ms: number) {}

  /** To be called once in each period. */
  tick(now_ms: number): void {
    if (this.#last_ms !== undefined) {
      const late_ms = now_ms - this.#last_ms - this.period_ms;
      this.seconds.observe(Math.max(0, late_ms) / 1000);
    }
    this.#last_ms = now_ms;
  }
}
