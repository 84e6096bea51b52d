/**
 * What `/metrics` answers.
 *
 * @module
 */
import * as z from "zod";
import type { PathItem } from "../openapi/responses.ts";

/** The path `/metrics`. */
export const METRICS_PATH: PathItem = {
  get: {
    operationId: "getMetrics",
    summary: "Metrics for Prometheus",
    description:
      "Counters, gauges and histograms of this replica and its process, each with its own HELP line.",
    tags: ["replica"],
    responses: {
      "200": {
        description: "Prometheus' text format 0.0.4",
        content: {
          "text/plain": {
            schema: z.string(),
            example: "# TYPE usergrade_users gauge\nusergrade_users 100000\n",
          },
        },
      },
    },
  },
};
