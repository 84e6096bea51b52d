/**
 * What a look at the stream tells of the log's limits. It does no I/O.
 *
 * @module
 */
import type { LogLimits } from "../log.ts";
import type { StreamLook } from "./same_log.ts";
import { HEADER_BYTES_MAX } from "./stream_config.ts";

/**
 * @param look What the stream says.
 * @param id The log's identity.
 * @returns What the log has and takes.
 */
export function limitsOf(
  { firstSequence, lastSequence, maxPayload_bytes }: StreamLook,
  id: string,
): LogLimits {
  const entryBytesMax = Math.max(0, maxPayload_bytes - HEADER_BYTES_MAX);
  return { id, firstSequence, lastSequence, entryBytesMax };
}
