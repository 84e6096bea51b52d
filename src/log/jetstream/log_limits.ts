/**
 * What a look at the stream tells of the log's limits. It does no I/O.
 *
 * @module
 */
import type { LogLimits, LogRetention } from "../log.ts";
import type { StreamLook } from "./same_log.ts";
import { HEADER_BYTES_MAX, type StreamConfig } from "./stream_config.ts";

/**
 * @param look What the stream says.
 * @param id The log's identity.
 * @returns What the log has and takes.
 */
export function limitsOf(
  look: StreamLook,
  id: string,
): LogLimits {
  const { firstSequence, lastSequence, bytes, config, maxPayload_bytes } = look;
  return {
    id,
    firstSequence,
    lastSequence,
    bytes,
    retention: retentionOf(config),
    entryBytesMax: Math.max(0, maxPayload_bytes - HEADER_BYTES_MAX),
  };
}

/** A full stream with `discard: new` refuses entries and takes none. */
function retentionOf(
  { max_age, max_bytes, max_msgs, discard }: StreamConfig,
): LogRetention {
  const takes = discard !== "new";
  return {
    age_ms: isLimit(max_age) ? max_age / 1_000_000 : undefined,
    bytes: takes && isLimit(max_bytes) ? max_bytes : undefined,
    entries: takes && isLimit(max_msgs) ? max_msgs : undefined,
  };
}

/** JetStream says 0 or -1 where there is none. */
function isLimit(value: number | undefined): value is number {
  return value !== undefined && value > 0;
}
