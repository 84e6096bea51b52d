/**
 * Trying again and again, less and less often.
 *
 * @module
 */

/** How long to wait before the next try, from and up to. */
const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 30_000;

/** Waits, unless it is aborted: then it rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * @param attempt One try; undefined if it did not succeed.
 * @param failed Told after each of those how long it will be until the next.
 * @param sleep Waits in between.
 * @param signal Aborts the waiting.
 * @returns What the first try gives that succeeds.
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
