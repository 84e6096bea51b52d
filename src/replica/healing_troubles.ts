/**
 * What keeps a replica from healing its log, and what was logged about it. It
 * does no other I/O.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { HealingForbiddenError } from "../log/healable_log.ts";
import { SnapshotsForbiddenError } from "../snapshot/store.ts";
import { HealingError } from "./healing_check.ts";
import type { NoHealing } from "./healing_facts.ts";

const logger = getLogger(["usergrade", "healing"]);

/** The shortest and the longest wait after a failure. */
const BACK_OFF_MIN_MS = 250;
export const BACK_OFF_MAX_MS = 10_000;

/**
 * How long to wait before it is tried again what is not allowed: sets are
 * refused meanwhile, and the server logs each try.
 */
export const FORBIDDEN_WAIT_MS = 5_000;

/** Remembers failures, and says each thing once. */
export class HealingTroubles {
  #failures = 0;
  #waitUntil_ms = -Infinity;
  #forbidden: string | undefined;
  #said = "";

  /** What is not allowed, and how to allow it; undefined if all is. */
  get problem(): string | undefined {
    return this.#forbidden;
  }

  /** Whether the next try has to wait. */
  isWaiting(now_ms: number): boolean {
    return now_ms < this.#waitUntil_ms;
  }

  /** A step, or a look, has failed. */
  failed(what: string, error: Error, now_ms: number): void {
    const { message: reason } = error;
    if (
      error instanceof HealingForbiddenError ||
      error instanceof SnapshotsForbiddenError
    ) {
      this.#forbidden = reason;
      this.#waitUntil_ms = now_ms + FORBIDDEN_WAIT_MS;
      return;
    }
    const wait_ms = Math.min(
      BACK_OFF_MIN_MS * 2 ** this.#failures++,
      BACK_OFF_MAX_MS,
    );
    this.#waitUntil_ms = now_ms + wait_ms;
    const level = error instanceof HealingError ? "error" : "warn";
    logger[level](
      "Healing the log: {what} has failed, {failures} times in a row; next try in {wait_ms} ms: {reason}",
      { what, failures: this.#failures, wait_ms, reason },
    );
  }

  /** A step was done. */
  over(): void {
    this.#failures = 0;
  }

  /** What was not allowed is tried again. */
  retry(now_ms: number): void {
    if (!this.isWaiting(now_ms)) this.#forbidden = undefined;
  }

  /** Says why nothing is done, if that is new. */
  idle({ why, reason }: NoHealing): void {
    if (reason === this.#said) return;
    this.#said = reason;
    switch (why) {
      case "wait":
        return logger.info("Healing the log: {reason}", { reason });
      case "problem":
        return logger.error("The log can't be healed yet: {reason}", {
          reason,
        });
      case "off":
        return logger.warn("The log is not healed by this replica: {reason}", {
          reason,
        });
    }
  }

  /** The log is whole, or out of sight: what was said may be said again. */
  settled(): void {
    this.#failures = 0;
    this.#said = "";
  }
}
