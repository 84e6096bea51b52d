/**
 * Retrying with growing waits.
 *
 * @module
 */

/** The shortest and the longest wait before the next try. */
const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 30_000;

/** Waits, unless it is aborted: then it rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * @param attempt One try; undefined if it did not succeed.
 * @param failed Told after each failed try how long the next wait is.
 * @param sleep Waits in between.
 * @param signal Aborts the waiting.
 * @returns The result of the first try that succeeds.
 */
export async function retrying<T>(
  attempt: () => Promise<T | undefined>,
  failed: (next_ms: number) => void,
  sleep: Sleep,
  signal: AbortSignal,
): Promise<T> {
  for (let wait_ms = WAIT_MIN_MS;;) {
    const result = await attempt();
    signal.throwIfAborted();
    if (result !== undefined) return result;
    failed(wait_ms);
    await sleep(wait_ms, signal);
    wait_ms = Math.min(2 * wait_ms, WAIT_MAX_MS);
  }
}
