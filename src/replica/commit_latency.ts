/**
 * How long sets wait for their commit, in a histogram of constant size.
 *
 * @module
 */

/** The upper end of the first bucket, in milliseconds; each further one is a quarter larger. */
const FIRST_BUCKET_MS = 0.1;
const BUCKET_RATIO = 1.25;

/** The last one holds whatever took longer than 100 s. */
const BUCKETS = 64;

/** Counts of commits by how long they took, since the start. */
export class CommitLatency {
  readonly #counts = new Float64Array(BUCKETS);

  /** Notes some sets that were committed after the same time. */
  note(latency_ms: number, sets = 1): void {
    const bucket = latency_ms <= FIRST_BUCKET_MS
      ? 0
      : Math.ceil(Math.log(latency_ms / FIRST_BUCKET_MS) / LOG_RATIO);
    this.#counts[Math.min(bucket, BUCKETS - 1)] += sets;
  }

  /** @returns A copy of the counts. */
  counts(): Float64Array {
    return this.#counts.slice();
  }
}

const LOG_RATIO = Math.log(BUCKET_RATIO);

/**
 * @param counts How many commits are in each bucket, as
 * {@linkcode CommitLatency.counts} gives them, or the difference of two.
 * @param share Which share of them took no longer, 0 to 1.
 * @returns That time in milliseconds, at most a quarter too long; null for no
 * commits.
 */
export function percentile(
  counts: ArrayLike<number>,
  share: number,
): number | null {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total === 0) return null;
  let bucket = 0;
  let sum = counts[0];
  while (sum < share * total && bucket < counts.length - 1) {
    sum += counts[++bucket];
  }
  return FIRST_BUCKET_MS * BUCKET_RATIO ** bucket;
}
