/**
 * Waiting for something that is bound to happen.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Calls `attempt` until it does not throw.
 *
 * @param attempt What has to succeed.
 * @param patience_ms After how long its last error is thrown.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  patience_ms = 30_000,
): Promise<T> {
  const end = performance.now() + patience_ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(25);
  }
}
