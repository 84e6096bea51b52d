/**
 * A histogram that is cheap enough for hot paths.
 *
 * @module
 */

/** Bounds for durations from a microsecond to a second, in seconds. */
export const MICROSECOND_BOUNDS: readonly number[] = [
  1e-6,
  2e-6,
  5e-6,
  1e-5,
  2e-5,
  5e-5,
  1e-4,
  1e-3,
  1e-2,
  1e-1,
  1,
];

/** Bounds for durations that include a commit, in seconds. */
export const MILLISECOND_BOUNDS: readonly number[] = [
  2.5e-4,
  5e-4,
  1e-3,
  2.5e-3,
  5e-3,
  1e-2,
  2.5e-2,
  5e-2,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
];

/** Bounds for the size of a batch. */
export const SIZE_BOUNDS: readonly number[] = [
  1,
  2,
  4,
  8,
  16,
  32,
  64,
  128,
  256,
  512,
  1024,
];

/** The counts of a {@linkcode Histogram} at one moment. */
export type HistogramCounts = Pick<Histogram, "bounds" | "counts" | "sum">;

/** Counts values in buckets. The counts only grow. */
export class Histogram {
  /** The count of each bucket; the last one has the values above all bounds. */
  readonly counts: Float64Array;
  /** The sum of all values. */
  sum = 0;

  /** @param bounds The greatest value of each bucket but the last, ascending. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  /**
   * Counts a value.
   *
   * @param times For how many like it that stands, if only some are measured.
   */
  observe(value: number, times = 1): void {
    const { bounds } = this;
    let bucket = 0;
    // Most values are near the first bounds, so a binary search gains nothing.
    while (bucket < bounds.length && value > bounds[bucket]) bucket++;
    this.counts[bucket] += times;
    this.sum += times * value;
  }

  /** A copy of the counts as they are now. */
  snapshot(): HistogramCounts {
    const { bounds, counts, sum } = this;
    return { bounds, counts: counts.slice(), sum };
  }
}

/**
 * @param part From 0 to 1: 0.5 for the median.
 * @param later The counts at the end of an interval.
 * @param earlier The counts at its start.
 * @returns The value below which that part of the interval's values lie, if
 * values are spread evenly within a bucket; `undefined` if there were none.
 * Values above the last bound count as that bound.
 */
export function quantile(
  part: number,
  later: HistogramCounts,
  earlier: HistogramCounts,
): number | undefined {
  const counts = later.counts.map((count, i) => count - earlier.counts[i]);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const { bounds } = later;
  let below = 0;
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    if (counts[bucket] > 0 && below + counts[bucket] >= part * total) {
      const from = bucket === 0 ? 0 : bounds[bucket - 1];
      const share = (part * total - below) / counts[bucket];
      return from + Math.max(0, share) * (bounds[bucket] - from);
    }
    below += counts[bucket];
  }
  return bounds[bounds.length - 1];
}
