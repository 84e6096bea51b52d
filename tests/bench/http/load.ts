/**
 * Load over HTTP, by whichever generator is here.
 *
 * @module
 */
import { Autocannon } from "./autocannon.ts";
import type { Figures } from "./figures.ts";
import type { RequestKind } from "./requests.ts";
import { Wrk } from "./wrk.ts";

/** What to send, where to, and for how long. */
export interface Load {
  readonly url: string;
  readonly kind: RequestKind;
  /** From how many users those of the load are drawn; a fixed few without. */
  readonly population?: number;
  readonly connections: number;
  /** A whole number. */
  readonly seconds: number;
}

/** Some answers were missing or not 200: being fast does not count. */
export class WrongAnswersError extends Error {
  override name = "WrongAnswersError";
}

/** Sends as many requests as are answered, a new one on each answer. */
export interface LoadGenerator extends Disposable {
  /** Its name and version. */
  readonly name: string;
  /**
   * @throws {WrongAnswersError} If not all answers were right.
   */
  generate(load: Load, signal: AbortSignal): Promise<Figures>;
}

/** @param wrapper Words before the generator's command. */
export async function findLoadGenerator(
  wrapper: readonly string[],
): Promise<LoadGenerator> {
  return await Wrk.find(wrapper) ?? new Autocannon(wrapper);
}
