/**
 * When those who watch are told of changes: at once after a pause, and in steps
 * while changes come all the time.
 *
 * @module
 */

/**
 * The time from a step to the next for each watcher that it told something, and
 * its limits. One that is told something costs 25 µs (measured), so that is a
 * twentieth of a core.
 */
const REST_PER_TOLD_MS = 0.5;
const REST_MIN_MS = 20;
const REST_MAX_MS = 500;

/** The time, and how to wait. */
export interface StepPorts {
  /** The time in milliseconds. */
  now(): number;
  /** Calls back after some milliseconds; with 0 as soon as I/O had its turn. */
  later(callback: () => void, ms: number): void;
}

/** Takes steps, one after the other. */
export class WatchSteps {
  #isDue = false;
  #restUntil_ms = 0;

  /** @param step Takes one; returns how many watchers it told something. */
  constructor(
    private readonly ports: StepPorts,
    private readonly step: () => number,
  ) {}

  /** Takes a step as soon as it may. */
  soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const wait_ms = Math.max(0, this.#restUntil_ms - this.ports.now());
    this.ports.later(() => {
      this.#isDue = false;
      this.now();
    }, wait_ms);
  }

  /** Takes a step. */
  now(): void {
    const rest_ms = Math.max(REST_MIN_MS, REST_PER_TOLD_MS * this.step());
    this.#restUntil_ms = this.ports.now() + Math.min(REST_MAX_MS, rest_ms);
  }
}
