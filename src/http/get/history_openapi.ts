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
export const HISTORY_PATH: PathItem = report(
  "getHistory",
  "The last ten minutes of this replica",
  History,
);
