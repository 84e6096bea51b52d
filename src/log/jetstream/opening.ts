/**
 * What comes of the first looks at a stream: whether the log is there, whether
 * it is to be made, and whether it can be used. It does no I/O.
 *
 * @module
 */
import { isPending } from "../fence.ts";
import type { LogInfo } from "../log.ts";
import type { StreamLook } from "./stream_look.ts";
import { logIdentity } from "./log_identity.ts";
import { PAYLOAD_BYTES_MIN, settingsProblem } from "./stream_config.ts";

/** The log to open. */
export interface OpeningOptions {
  readonly stream: string;
  /** How long a proposal is retried. */
  readonly commitTimeout_ms: number;
  /** The identity of a log that this session makes. */
  readonly newLogId: string;
}

/** What to do about a stream that is not open yet. */
export type OpeningStep =
  /** There is no stream: make it. */
  | { readonly type: "make" }
  /** It has had no entry, and is to be another log. */
  | { readonly type: "rename"; readonly id: string }
  /** It can't be used as it is. */
  | { readonly type: "wrong"; readonly reason: string }
  /** It can be used. */
  | { readonly type: "open"; readonly info: LogInfo };

/**
 * @param look What the stream says; undefined if there is none.
 * @param options The log to open.
 * @param wantedId The identity of a log that has had no entry yet; undefined for
 * any.
 * @returns What to do, to have the log open.
 */
export function openingStep(
  look: StreamLook | undefined,
  options: OpeningOptions,
  wantedId?: string,
): OpeningStep {
  if (look === undefined) return { type: "make" };
  const { maxPayload_bytes } = look;
  const reason = problemOf(look, options) ??
    (maxPayload_bytes < PAYLOAD_BYTES_MIN
      ? `Cannot use the NATS server: its max_payload is ${maxPayload_bytes} and must be at least ${PAYLOAD_BYTES_MIN}`
      : undefined);
  if (reason !== undefined) return { type: "wrong", reason };
  const info = infoOf(look, options);
  return wantedId !== undefined && info.id !== wantedId &&
      look.lastSequence === 0
    ? { type: "rename", id: wantedId }
    : { type: "open", info };
}

/** @returns Why the stream's settings are not a log's; undefined if they are. */
export function problemOf(
  { config }: StreamLook,
  { stream, commitTimeout_ms }: OpeningOptions,
): string | undefined {
  return settingsProblem(config, stream, commitTimeout_ms);
}

/** @returns The log as this look found it. */
export function infoOf(
  { config, created, firstSequence, lastSequence, fences }: StreamLook,
  { newLogId }: OpeningOptions,
): LogInfo {
  const id = logIdentity(config, created);
  const fence = fences?.at(-1);
  return {
    id,
    isNew: id === newLogId,
    firstSequence,
    lastSequence,
    ...(fence !== undefined && isPending(fence) && { fence }),
  };
}
