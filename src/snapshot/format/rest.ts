/**
 * Rests between pieces of work, for work that gives way to other work.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/** The longest rest after one piece, whatever held that up. */
export const REST_MAX_MS = 250;

/**
 * Asked for each piece of work: how many times as long as the piece took is to
 * be rested after it. 0 for no rest.
 */
export type RestFactor = () => number;

/** No rest. */
export const NO_REST: RestFactor = () => 0;

/**
 * @param worked_ms How long a piece of work took.
 * @param factor What a {@linkcode RestFactor} has said.
 */
export async function rest(worked_ms: number, factor: number): Promise<void> {
  if (factor > 0) await sleep(Math.min(factor * worked_ms, REST_MAX_MS));
}
