/**
 * The last minutes of a replica, for the charts of its page: a fixed number of
 * samples.
 *
 * @module
 */
import { type HistogramCounts, quantile } from "../histogram.ts";
import type { HistorySample, HistorySource } from "../http/ports.ts";
import type { ErrorCounts } from "./error_counts.ts";

/** How often a sample is taken. */
export const STEP_MS = 2_000;

/** How many samples are kept: ten minutes. */
export const SAMPLES_MAX = 300;

/** Counts since the start, and the memory now. */
export interface Counters {
  readonly gets: number;
  readonly sets: number;
  /** How long sets took, in seconds. */
  readonly setSeconds: HistogramCounts;
  /** Changes that were not confirmed, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly errors: ErrorCounts;
  /** The memory of the process now. */
  readonly rss_bytes: number;
}

/** A ring of samples. */
export class History implements HistorySource {
  readonly step_ms = STEP_MS;
  readonly samplesMax = SAMPLES_MAX;
  /** Invariant: the oldest first, at most `samplesMax`. */
  readonly #samples: HistorySample[] = [];
  #last: Counters;
  #lastAt_ms: number;

  /**
   * @param counters The counts at the start.
   * @param now_ms The time in milliseconds.
   */
  constructor(counters: Counters, now_ms: number) {
    this.#last = counters;
    this.#lastAt_ms = now_ms;
  }

  /**
   * Takes a sample if one is due. Call it a few times a second.
   *
   * @param read Reads the counters.
   * @param now_ms The time in milliseconds.
   */
  tick(read: () => Counters, now_ms: number): void {
    const elapsed_s = (now_ms - this.#lastAt_ms) / 1000;
    if (elapsed_s < STEP_MS / 1000) return;
    const last = this.#last;
    const next = read();
    const commit_ms = (part: number) => {
      const seconds = quantile(part, next.setSeconds, last.setSeconds);
      return seconds === undefined ? null : rounded(1000 * seconds);
    };
    if (this.#samples.length >= SAMPLES_MAX) this.#samples.shift();
    this.#samples.push({
      at_s: rounded(now_ms / 1000),
      gets_per_s: rounded((next.gets - last.gets) / elapsed_s),
      sets_per_s: rounded((next.sets - last.sets) / elapsed_s),
      commit_p50_ms: commit_ms(0.5),
      commit_p99_ms: commit_ms(0.99),
      refused_per_s: rates(next.refused, last.refused, elapsed_s),
      errors_per_s: rates(next.errors, last.errors, elapsed_s),
      rss_bytes: next.rss_bytes,
    });
    this.#last = next;
    this.#lastAt_ms = now_ms;
  }

  /** The samples, the oldest first. */
  get samples(): readonly HistorySample[] {
    return this.#samples;
  }
}

/** The rate of each count. */
function rates<Name extends string>(
  next: Readonly<Record<Name, number>>,
  last: Readonly<Record<Name, number>>,
  elapsed_s: number,
): Record<Name, number> {
  const names = Object.keys(next) as Name[];
  return Object.fromEntries(
    names.map((name) => [name, rounded((next[name] - last[name]) / elapsed_s)]),
  ) as Record<Name, number>;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
