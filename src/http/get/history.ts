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
      rss_bytes: column("rss_bytes"),
    },
  };
}
