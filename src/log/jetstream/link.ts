/**
 * When to connect to NATS, and which connection is the current one. It does no
 * I/O. Its clock never goes back, unlike the one by which the NATS library
 * spaces its own attempts, so that library's reconnecting is off.
 *
 * @module
 */

import { RECONNECT_MS } from "../members.ts";

/** How often a link is asked what is due. */
export const TICK_MS = 100;

/** How long to wait before trying again what a server has refused. */
export const RETRY_MS = 500;

/** How long to wait before connecting again where no server has answered. */
export const UNANSWERED_RETRY_MS = RECONNECT_MS - TICK_MS;

/** The connection as far as this replica knows. */
type LinkState =
  | { readonly type: "down"; readonly retryAt_ms: number }
  | { readonly type: "connecting" }
  | { readonly type: "up" };

/** One connection after the other, each with the number of its attempt. */
export class Link {
  #state: LinkState = { type: "down", retryAt_ms: -Infinity };
  #attempt = 0;

  /** Whether NATS is connected. */
  get isUp(): boolean {
    return this.#state.type === "up";
  }

  /**
   * @param now_ms The time in milliseconds.
   * @returns The number of the attempt to make now; undefined if none is due.
   */
  tick(now_ms: number): number | undefined {
    const state = this.#state;
    if (state.type !== "down" || now_ms < state.retryAt_ms) return undefined;
    this.#state = { type: "connecting" };
    return ++this.#attempt;
  }

  /** @returns Whether this is news of the current attempt. */
  connected(attempt: number): boolean {
    if (attempt !== this.#attempt || this.#state.type !== "connecting") {
      return false;
    }
    this.#state = { type: "up" };
    return true;
  }

  /**
   * The connection is lost, or the attempt failed.
   *
   * @param isRefused Whether a server has refused this replica: an attempt costs
   * the server something, a check of a password above all.
   * @returns Whether this is news of the current attempt.
   */
  disconnected(attempt: number, isRefused: boolean, now_ms: number): boolean {
    if (attempt !== this.#attempt || this.#state.type === "down") return false;
    const retry_ms = isRefused ? RETRY_MS : UNANSWERED_RETRY_MS;
    this.#state = { type: "down", retryAt_ms: now_ms + retry_ms };
    return true;
  }
}
