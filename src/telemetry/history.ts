/**
 * The last minutes of a replica, for the charts of its page: a fixed number of
 * samples.
 *
 * @module
 */
import { type HistogramCounts, quantile } from "../histogram.ts";

/** How often a sample is taken. */
export const STEP_MS = 2_000;

/** How many samples are kept: ten minutes. */
export const SAMPLES_MAX = 300;

/** Counts since the start, and the memory now. */
export interface Counters {
  readonly gets: number;
  readonly sets: number;
  /** The seconds that each set took. */
  readonly setSeconds: HistogramCounts;
  /** The memory of the process now. */
  readonly rss_bytes: number;
}

interface Sample {
  readonly at_s: number;
  readonly gets_per_s: number;
  readonly sets_per_s: number;
  readonly commit_p50_ms: number | null;
  readonly commit_p99_ms: number | null;
  readonly rss_bytes: number;
}

/** A ring of samples. */
export class History {
  readonly #samples: Sample[] = [];
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
      rss_bytes: next.rss_bytes,
    });
    this.#last = next;
    this.#lastAt_ms = now_ms;
  }

  /**
   * @param now_ms The time in milliseconds.
   * @returns The object of `/history`: columns with the oldest sample first;
   * times in seconds since the start.
   */
  view(now_ms: number) {
    const column = <K extends keyof Sample>(name: K) =>
      this.#samples.map((sample) => sample[name]);
    return {
      now_s: rounded(now_ms / 1000),
      step_s: STEP_MS / 1000,
      samples_max: SAMPLES_MAX,
      columns: {
        at_s: column("at_s"),
        gets_per_s: column("gets_per_s"),
        sets_per_s: column("sets_per_s"),
        commit_p50_ms: column("commit_p50_ms"),
        commit_p99_ms: column("commit_p99_ms"),
        rss_bytes: column("rss_bytes"),
      },
    };
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
