/**
 * What `/history` answers.
 *
 * @module
 */
import * as z from "zod";
import { type PathItem, report } from "../openapi/responses.ts";
import { count } from "../openapi/schemas.ts";

const column = z.array(z.number());

const columnWithGaps = z.array(z.number().nullable());

const History = z.strictObject({
  now_s: z.number(),
  step_s: z.number(),
  samples_max: count,
  columns: z.strictObject({
    at_s: column,
    gets_per_s: column,
    sets_per_s: column,
    commit_p50_ms: columnWithGaps,
    commit_p99_ms: columnWithGaps,
    refused_per_s: z.record(z.string(), column).meta({
      description:
        "Valid sets and deletions that were not confirmed, by the reasons of usergrade_rejected_sets_total; empty before the first sample.",
    }),
    errors_per_s: z.record(z.string(), column).meta({
      description:
        "Answers 4xx (client; not 404 of /get) and 5xx (server) of both listeners, without probes; empty before the first sample.",
    }),
    rss_bytes: column,
  }),
}).meta({
  id: "History",
  description:
    "Columns, the oldest sample first; seconds since the replica's start.",
});

/** The object of `/history`. */
export type HistoryAnswer = z.infer<typeof History>;

/** The path `/history`. */
export const HISTORY_PATH: PathItem = report({
  operationId: "getHistory",
  summary: "The last ten minutes of this replica",
  description:
    "What the charts of the live page show: a sample every `step_s` seconds. Use `/metrics` for anything longer.",
  tag: "replica",
  schema: History,
  example: {
    now_s: 60.5,
    step_s: 2,
    samples_max: 300,
    columns: {
      at_s: [58, 60],
      gets_per_s: [900, 1_000],
      sets_per_s: [40, 0],
      commit_p50_ms: [0.6, null],
      commit_p99_ms: [1.4, null],
      refused_per_s: { not_stored: [0, 0.5] },
      errors_per_s: { client: [0, 0], server: [0, 0.5] },
      rss_bytes: [140_000_000, 140_100_000],
    },
  },
});
