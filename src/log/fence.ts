/**
 * Fences: entries by which a log that has lost some is made whole from the
 * state of a replica. Their payload is `{"healed_to": S, "digest": "…"}`: all
 * entries up to S are in the state with that digest, and whatever the log has
 * between the fence and entry S is void. The same entry at S + 1 is the mark
 * that it is done.
 *
 * @module
 */
import type { Fence, HealPoint } from "./healable_log.ts";

/** The most bytes of a fence's payload; it needs 60. */
const PAYLOAD_BYTES_MAX = 256;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** @returns The payload that says a heal point. */
export function encodeFence({ sequence, digest }: HealPoint): string {
  return JSON.stringify({ healed_to: sequence, digest });
}

/**
 * @param payload A payload, from anyone.
 * @returns What it says; undefined if it is not what a fence must be.
 */
export function decodeFence(payload: Uint8Array): HealPoint | undefined {
  if (payload.length > PAYLOAD_BYTES_MAX) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(payload));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { healed_to, digest, ...others } = value as Record<string, unknown>;
  const isFence = Number.isSafeInteger(healed_to) &&
    (healed_to as number) >= 1 &&
    typeof digest === "string" && /^[0-9a-f]{16}$/.test(digest) &&
    Object.keys(others).length === 0;
  return isFence
    ? { sequence: healed_to as number, digest: digest as string }
    : undefined;
}

/**
 * What an entry on the fence's subject is. One that is neither changes nothing:
 * all replicas skip it.
 *
 * @param at The entry's sequence.
 * @param point What its payload says.
 */
export function fenceRole(
  at: number,
  { sequence }: HealPoint,
): "pending" | "mark" | undefined {
  if (at === sequence + 1) return "mark";
  return at <= sequence ? "pending" : undefined;
}

/** @returns Whether a fence still has to be followed by its mark. */
export function isPending(fence: Fence): boolean {
  return fenceRole(fence.at, fence) === "pending";
}
