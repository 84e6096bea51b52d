/**
 * A process in simulated time: it may be killed, or stopped for a while.
 *
 * @module
 */
import type { Clock, SimulatedTime } from "./simulated_time.ts";

/** Whatever happens in one process happens by its clock. */
export class SimulatedProcess implements Clock {
  #isDead = false;
  /** What has yet to happen in a process that is stopped. */
  #held: (() => void)[] | undefined;

  /** @param world The time outside. */
  constructor(readonly world: SimulatedTime) {}

  /** The time in milliseconds; it goes on while the process is stopped. */
  get now(): number {
    return this.world.now;
  }

  /** Whether it was killed. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether it is stopped. */
  get isPaused(): boolean {
    return this.#held !== undefined;
  }

  after(ms: number, run: () => void): void {
    this.world.after(ms, () => {
      if (this.#isDead) return;
      if (this.#held === undefined) run();
      else this.#held.push(run);
    });
  }

  /** Nothing happens in it any more. */
  kill(): void {
    this.#isDead = true;
    this.#held = undefined;
  }

  /** Nothing happens in it for a while, and then all that was due. */
  pause(ms: number): void {
    if (this.#isDead || this.isPaused) return;
    this.#held = [];
    this.world.after(ms, () => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const run of held) this.after(0, run);
    });
  }
}
