/**
 * Waiting for something that is bound to happen.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/** The time between attempts: so much at first, and at last. */
const FIRST_PAUSE_MS = 25;
const LAST_PAUSE_MS = 100;

/** How much of the time that has passed is added to the pause. */
const PAUSE_SHARE = 1 / 20;

/**
 * Calls `attempt` until it does not throw. The longer that takes, the longer
 * are the pauses: attempts cost CPU that those waited for need.
 *
 * @param attempt What has to succeed.
 * @param patience_ms After how long its last error is thrown: more than a busy
 * machine needs.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  patience_ms = 60_000,
): Promise<T> {
  const start = performance.now();
  for (;;) {
    let passed_ms;
    try {
      return await attempt();
    } catch (error) {
      passed_ms = performance.now() - start;
      if (passed_ms > patience_ms) throw error;
    }
    await sleep(
      Math.min(FIRST_PAUSE_MS + passed_ms * PAUSE_SHARE, LAST_PAUSE_MS),
    );
  }
}
