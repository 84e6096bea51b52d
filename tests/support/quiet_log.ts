/**
 * A log in its worker of which nobody wants to hear anything, for tests of what
 * it keeps.
 *
 * @module
 */
import { LogClient } from "../../src/log/thread/log_client.ts";

/** @returns A log that is not connected yet; its failure ends the test. */
export function quietLog(): LogClient {
  const log = new LogClient();
  log.listen({
    entries: (_entries, _last, _bytes, taken) => taken(),
    status: () => {},
    firstSequence: () => {},
    limits: () => {},
    warn: () => {},
    hearOthers: () => {},
    proposalFailed: () => {},
    failed: (error) => {
      throw error;
    },
  });
  return log;
}
