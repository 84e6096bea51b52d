/**
 * What is waited for before the stream can be asked again. It does no I/O.
 *
 * @module
 */
import { RETRY_MS } from "./link.ts";
import type { AwaitedRequest } from "./requests.ts";

/** What is waited for. */
export type Wait =
  /** NATS to be connected. */
  | { readonly type: "offline" }
  /** Somebody who wants the log or its entries. */
  | { readonly type: "idle" }
  /** The answer to a request. */
  | { readonly type: "asking"; readonly awaited: AwaitedRequest }
  /** The time to look again: something is wrong. */
  | { readonly type: "waiting"; readonly until_ms: number };

/** What a session that waits for nothing does. */
interface NoWait {
  readonly type: "feeding" | "over";
}

/** @returns The wait before another attempt. */
export function untilRetry(now_ms: number): Wait {
  return { type: "waiting", until_ms: now_ms + RETRY_MS };
}

/** @returns Whether this request is the one that is waited for. */
export function isAwaited(
  wait: Wait | NoWait,
  request: number,
): boolean {
  return wait.type === "asking" && wait.awaited.request === request;
}

/** @returns What a wait has come to; undefined if it goes on. */
export function dueAfter(
  wait: Wait | NoWait,
  now_ms: number,
): "unanswered" | "look" | undefined {
  if (wait.type === "asking" && now_ms >= wait.awaited.deadline_ms) {
    return "unanswered";
  }
  return wait.type === "waiting" && now_ms >= wait.until_ms
    ? "look"
    : undefined;
}
