/**
 * Since when a log is known to have lost entries. It does no I/O.
 *
 * @module
 */
import type { LogLoss } from "../log/healable_log.ts";
import type { LogStatus } from "../log/log.ts";

/** How long a loss may be out of sight and still be the same. */
const GAP_MS = 5_000;

/**
 * How long a loss that servers may have yet to agree on has to last before it is
 * told as one.
 */
const DOUBT_MS = 2_000;

/** Follows what the log says of a loss. */
export class LossWatch {
  #loss: LogLoss | undefined;
  /** Whether the log says it for sure. */
  #isSure = false;
  #since_ms = 0;
  #seenAt_ms = -Infinity;
  #fenceKey = "";
  #fenceSince_ms = 0;

  /** What is lost, as was seen last; undefined if nothing is, or if it can't be told. */
  get loss(): LogLoss | undefined {
    return this.#loss;
  }

  /** When the loss was seen first. */
  get since_ms(): number {
    return this.#since_ms;
  }

  /** When it was seen first that a fence or a mark is left to be finished. */
  get fenceSince_ms(): number {
    return this.#fenceSince_ms;
  }

  /** Whether it can be told as a loss. */
  isCertain(now_ms: number): boolean {
    return this.#isSure || now_ms - this.#since_ms >= DOUBT_MS;
  }

  /** Takes the log's status. */
  statusChanged({ state, loss, isWhole }: LogStatus, now_ms: number): void {
    if (state === "connected" || isWhole) this.#seenAt_ms = -Infinity;
    this.#isSure = loss !== undefined && state !== "away";
    if (loss === undefined) this.#loss = undefined;
    else this.looked(loss, now_ms);
  }

  /** Takes what a look has found. */
  looked(loss: LogLoss, now_ms: number): void {
    if (now_ms - this.#seenAt_ms > GAP_MS) {
      this.#since_ms = now_ms;
      this.#fenceKey = "";
    }
    this.#seenAt_ms = now_ms;
    this.#loss = loss;
    const key = `${loss.type} ${loss.fence?.at ?? loss.lastSequence}`;
    if (key === this.#fenceKey) return;
    this.#fenceKey = key;
    this.#fenceSince_ms = now_ms;
  }
}
