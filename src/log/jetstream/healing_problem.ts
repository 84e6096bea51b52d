/**
 * Why a log can't be made whole when it has lost entries. It does no I/O.
 *
 * @module
 */
import { isOldServer } from "./server_version.ts";
import { isIdWritten } from "./log_identity.ts";
import {
  purgeProblem,
  type StreamConfig,
  version2Problem,
} from "./stream_config.ts";

/**
 * @param id The log's identity.
 * @param serverVersion The server's version; empty if it is not known.
 * @param config The stream's settings; undefined if it is gone.
 * @returns Why, and what to do; undefined if it can be made whole.
 */
export function healingProblem(
  id: string,
  serverVersion: string,
  config: StreamConfig | undefined,
): string | undefined {
  if (isOldServer(serverVersion)) {
    return `NATS ${serverVersion} can't move the end of a stream: upgrade NATS to 2.10 or later, or import a backup into a new log`;
  }
  if (config === undefined) {
    return isIdWritten(id)
      ? undefined
      : `the stream was made by hand, and a new one would not be the log ${id}: put it back from a copy`;
  }
  return version2Problem(config) ?? purgeProblem(config);
}
