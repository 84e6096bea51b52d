/**
 * What went wrong in one place of snapshots, and what was logged about it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { SnapshotsForbiddenError } from "../snapshot/store.ts";
import { CompactionError } from "./compaction_check.ts";
import type { CompactionFailure } from "./compaction_facts.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** Remembers failures, and says each thing once. */
export class CompactionTroubles {
  #failure: (CompactionFailure & { readonly reason: string }) | undefined;
  /** What may not be done in the store, until it is done, or not wanted any more. */
  #forbidden: { readonly what: string; readonly reason: string } | undefined;
  #obstacle: string | undefined;
  #count = 0;

  /** @param place Names the store in log lines. */
  constructor(private readonly place: string) {}

  /** The failures since the last success. */
  get failure(): CompactionFailure | undefined {
    return this.#failure;
  }

  /** How many steps have failed since the start. */
  get count(): number {
    return this.#count;
  }

  /** Why no snapshot is made at present; undefined if all is well. */
  get problem(): string | undefined {
    return this.#forbidden?.reason ?? this.#obstacle ?? this.#failure?.reason;
  }

  /** A step has failed, or a look. */
  failed(what: string, error: Error, now_ms: number): void {
    const { message: reason } = error;
    const isForbidden = error instanceof SnapshotsForbiddenError;
    const count = (this.#failure?.count ?? 0) + 1;
    this.#failure = { count, at_ms: now_ms, isForbidden, reason };
    if (isForbidden) {
      if (this.#forbidden === undefined) {
        logger.warn("Snapshots in {place} are off: {reason}", {
          place: this.place,
          reason,
        });
      }
      this.#forbidden = { what, reason };
      return;
    }
    this.#count++;
    const level = error instanceof CompactionError ? "error" : "warn";
    logger[level](
      "Snapshots in {place}: {what} has failed, {failures} times in a row: {reason}",
      { place: this.place, what, failures: count, reason },
    );
  }

  /** A snapshot does not fit the log: it is counted and causes no wait. */
  misfit(): void {
    this.#count++;
  }

  /** Something is done that may have been forbidden before. */
  allowed(what: string): void {
    if (this.#forbidden?.what === what) this.settled();
  }

  /** Nothing is left to be done: what has failed is not wanted any more. */
  settled(): void {
    this.#failure = undefined;
    if (this.#forbidden === undefined) return;
    this.#forbidden = undefined;
    logger.info("Snapshots in {place} are on again", { place: this.place });
  }

  /** A snapshot was read back, or the log was cut: the waits are over. */
  over(): void {
    this.#failure = undefined;
  }

  /**
   * @param obstacle Why nothing can be done although nothing has failed;
   * undefined if it can.
   */
  obstructed(obstacle: string | undefined): void {
    if (obstacle !== undefined && this.#obstacle === undefined) {
      logger.error("Snapshots in {place}: {reason}", {
        place: this.place,
        reason: obstacle,
      });
    }
    this.#obstacle = obstacle;
  }
}
