/**
 * The event loop, as long work needs it: done in slices, it lets other work
 * have its turn.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Where long work is done. */
export interface EventLoop {
  /** A clock that never goes back, in milliseconds. */
  now(): number;
  /** Lets other work have its turn. */
  pause(): Promise<void>;
}

/**
 * This process's own. It pauses by a timer, since `setImmediate` would let no
 * I/O through.
 */
export const EVENT_LOOP: EventLoop = {
  now: () => performance.now(),
  pause: () => sleep(0),
};
