/**
 * What `/history` and `/metrics` need of the service.
 *
 * @module
 */

/** What a replica did in one step of time. */
export interface HistorySample {
  /** The end of the step. */
  readonly at_s: number;
  readonly gets_per_s: number;
  readonly sets_per_s: number;
  /** The median and the 99th percentile of commits; null if there were none. */
  readonly commit_p50_ms: number | null;
  readonly commit_p99_ms: number | null;
  /** Valid sets and deletions that were not confirmed, by reason. */
  readonly refused_per_s: Readonly<Record<string, number>>;
  /** Answers by whose fault they were, the client's or the server's. */
  readonly errors_per_s: Readonly<Record<"client" | "server", number>>;
  readonly rss_bytes: number;
}

/** Remembers the last minutes. */
export interface HistorySource {
  /** How long a step is. */
  readonly step_ms: number;
  /** How many samples are remembered. */
  readonly samplesMax: number;
  /** The samples, the oldest first. */
  readonly samples: readonly HistorySample[];
}

/** Metrics as a scraper reads them. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}
