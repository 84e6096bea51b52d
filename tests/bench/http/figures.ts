/**
 * What a measurement gives, and how measurements are summed up.
 *
 * @module
 */

/** How fast a side was in one measurement. */
export interface Figures {
  /** How many answers the other figures stand for. */
  readonly answers: number;
  readonly per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Processor time of the measured process for each answer, where it is told. */
  readonly cpu_us?: number;
}

/** A measurement that does not count, with the reason. */
export interface Failure {
  readonly failure: string;
}

/** The outcome of a measurement. */
export type Outcome = Figures | Failure;

/** A median, and the lowest and highest value that it stands for. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * @param values At least one number.
 * @returns Their median and their range.
 */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return {
    median: sorted.length % 2 === 1
      ? sorted[middle]
      : (sorted[middle - 1] + sorted[middle]) / 2,
    low: sorted[0],
    high: sorted[sorted.length - 1],
  };
}

/**
 * @param latencies_ms At least one latency; sorted by this.
 * @param seconds In what time they were had.
 * @returns Their figures.
 */
export function figuresOf(
  latencies_ms: Float64Array,
  seconds: number,
): Figures {
  latencies_ms.sort();
  const at = (part: number) =>
    latencies_ms[Math.ceil(part * latencies_ms.length) - 1];
  return {
    answers: latencies_ms.length,
    per_s: latencies_ms.length / seconds,
    p50_ms: at(0.5),
    p99_ms: at(0.99),
  };
}
