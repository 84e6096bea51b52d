/**
 * How changes end: tells their clients, and counts it. It does no I/O.
 *
 * @module
 */
import { UnconfirmedError } from "../errors.ts";
import type { ChangeOutcome } from "../user_grade.ts";
import type { Batch } from "./batch.ts";
import { CommitGap } from "./commit_gap.ts";
import { type Rejection, SetCounts } from "./set_counts.ts";
import type { Unit } from "./unit.ts";

/** The change is in the log, but this replica can't apply it yet. */
export class NotAppliedError extends UnconfirmedError {
  override name = "NotAppliedError";
}

/** The ends of all changes of one replica. */
export class Endings {
  readonly counts = new SetCounts();
  readonly #gap = new CommitGap();

  /** @param now The time, in milliseconds from any start. */
  constructor(private readonly now: () => number) {}

  /**
   * @param isWaiting Whether any change waits now.
   * @returns For how long changes have waited or been rejected without a commit;
   * 0 if none.
   */
  gap_ms(isWaiting: boolean): number {
    return this.#gap.at(this.now(), isWaiting);
  }

  /** A change begins to wait, and no other one waits. */
  waitBegins(since_ms: number): void {
    this.#gap.begins(since_ms);
  }

  /**
   * A batch is applied: answers its clients.
   *
   * @param batch The batch.
   * @param sequence The sequence of its entry.
   * @param outcomes What each change left.
   */
  answer(
    batch: Batch,
    sequence: number,
    outcomes: readonly ChangeOutcome[],
  ): void {
    const { waiting, size, expired, proposedAt_ms } = batch;
    const { counts } = this;
    const now_ms = this.now();
    // Those that were told that their time is over count as rejected.
    let first = expired;
    let deleted = 0;
    for (const unit of waiting) {
      unit.answer(outcomes, first, sequence);
      first += unit.count;
      deleted += unit.deletions;
      counts.setSeconds.observe((now_ms - unit.since_ms) / 1000);
    }
    counts.committed += first - expired - deleted;
    counts.deleted += deleted;
    this.#gap.committed(now_ms);
    counts.commitSeconds.observe((now_ms - proposedAt_ms) / 1000);
    counts.batchSets.observe(size);
  }

  /** Changes did not commit, or can't be applied: tells their clients. */
  reject(units: readonly Unit[], rejection: Rejection, error: Error): void {
    if (units.length === 0) return;
    this.#gap.refused(this.now());
    for (const unit of units) {
      this.counts.rejected[rejection] += unit.count;
      unit.reject(error);
    }
  }

  /**
   * Changes are refused before they are taken, since none can commit.
   *
   * @param count How many.
   * @param isWaiting Whether others wait.
   */
  refuse(count: number, isWaiting: boolean): void {
    this.counts.rejected.not_ready += count;
    const now_ms = this.now();
    if (!isWaiting) this.#gap.begins(now_ms);
    this.#gap.refused(now_ms);
  }

  /** So many changes find no room among those that wait. */
  queueFull(count: number): void {
    this.counts.rejected.queue_full += count;
  }
}
