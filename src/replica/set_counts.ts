/**
 * How sets and deletions ended, in numbers.
 *
 * @module
 */
import { Histogram, MILLISECOND_BOUNDS, SIZE_BOUNDS } from "../histogram.ts";

/** Why a valid set or deletion was not confirmed to its client. */
export const REJECTIONS = [
  /** This replica takes none now. */
  "not_ready",
  /** Too many are waiting. */
  "queue_full",
  /** The log did not take it, or not in time. */
  "not_stored",
  /** The outcome is unknown. */
  "outcome_unknown",
  /** It is stored, but could not be applied here yet. */
  "not_applied",
] as const;

/** One of {@linkcode REJECTIONS}. */
export type Rejection = (typeof REJECTIONS)[number];

/** Counts changes; only group commit and its replica write. */
export class SetCounts {
  /** How many sets were committed and applied for their clients here. */
  committed = 0;
  /** How many deletions were. */
  deleted = 0;
  readonly rejected: Record<Rejection, number> = {
    not_ready: 0,
    queue_full: 0,
    not_stored: 0,
    outcome_unknown: 0,
    not_applied: 0,
  };
  /**
   * Seconds until a set, a deletion or an array of them was committed, of each
   * request that was.
   */
  readonly setSeconds = new Histogram(MILLISECOND_BOUNDS);
  /** Seconds from proposing a batch to having applied it. */
  readonly commitSeconds = new Histogram(MILLISECOND_BOUNDS);
  /** How many changes each committed batch had. */
  readonly batchSets = new Histogram(SIZE_BOUNDS);
}
