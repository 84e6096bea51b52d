/**
 * Two threads' messages to each other in simulated time: each way they keep
 * their order and take a while, so that each side acts on what is old news on
 * the other.
 *
 * @module
 */
import type { Random } from "./random.ts";
import type { Clock } from "./simulated_time.ts";

/** The longest that a message takes. */
const DELAY_MAX_MS = 20;

/** One way. */
export class SimulatedPort {
  #arrival = 0;

  constructor(
    private readonly time: Clock,
    private readonly random: Random,
  ) {}

  /** Does something on the other side, after all that was posted before. */
  post(run: () => void): void {
    const { now } = this.time;
    this.#arrival = Math.max(
      this.#arrival,
      now + this.random.below(DELAY_MAX_MS + 1),
    );
    this.time.after(this.#arrival - now, run);
  }
}
