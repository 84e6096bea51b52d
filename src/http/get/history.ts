/**
 * `GET /history`: the last ten minutes of this replica.
 *
 * @module
 */
import type { HistorySample, HistorySource } from "../ports.ts";
import { getAndHead, type Handler } from "../server/router.ts";
import type { HistoryAnswer } from "./history_openapi.ts";

/**
 * @param source What is remembered.
 * @param now The time in milliseconds.
 */
export function history(source: HistorySource, now: () => number): Handler {
  return getAndHead(() => Response.json(view(source, now())));
}

/** One column for each name that the samples have. */
function columns<Name extends string>(
  samples: readonly Readonly<Record<Name, number>>[],
): Record<Name, number[]> {
  const names = Object.keys(samples.at(-1) ?? {}) as Name[];
  return Object.fromEntries(
    names.map((name) => [name, samples.map((sample) => sample[name])]),
  ) as Record<Name, number[]>;
}

function view(
  { step_ms, samplesMax, samples }: HistorySource,
  now_ms: number,
): HistoryAnswer {
  const column = <K extends keyof HistorySample>(name: K) =>
    samples.map((sample) => sample[name]);
  return {
    now_s: Math.round(now_ms / 10) / 100,
    step_s: step_ms / 1000,
    samples_max: samplesMax,
    columns: {
      at_s: column("at_s"),
      gets_per_s: column("gets_per_s"),
      sets_per_s: column("sets_per_s"),
      commit_p50_ms: column("commit_p50_ms"),
      commit_p99_ms: column("commit_p99_ms"),
      refused_per_s: columns(samples.map((sample) => sample.refused_per_s)),
      errors_per_s: columns(samples.map((sample) => sample.errors_per_s)),
      rss_bytes: column("rss_bytes"),
    },
  };
}
