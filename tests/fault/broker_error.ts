/**
 * What JetStream refuses, and what it does not find.
 *
 * @module
 */

/** JetStream's codes for what is not there: a consumer, a message, a stream. */
const MISSING: readonly number[] = [10014, 10037, 10059];

/** JetStream has refused something. */
export class BrokerError extends Error {
  override name = "BrokerError";

  /** @param code JetStream's code. */
  constructor(what: string, readonly code: number) {
    super(`JetStream refuses ${what} with ${code}`);
  }
}

/** @returns Undefined if what was asked for is not there. */
export async function unlessMissing<T>(
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BrokerError && MISSING.includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}
