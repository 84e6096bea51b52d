/**
 * What the probes answer.
 *
 * @module
 */
import * as z from "zod";
import { json, type Paths, report } from "../openapi/responses.ts";
import { count, percent, state } from "../openapi/schemas.ts";

const Health = z.strictObject({ status: z.literal("ok") }).meta({
  id: "Health",
});

/** What `/healthz` says. */
export type HealthAnswer = z.infer<typeof Health>;

const Readiness = z.strictObject({
  state,
  reason: z.string(),
  rows: count.optional(),
  percent: percent.optional(),
}).meta({
  id: "Readiness",
  description: "rows and percent are there while a snapshot is restored.",
});

/** What `/readyz` says. */
export type ReadinessAnswer = z.infer<typeof Readiness>;

/** The paths of both listeners. */
export const PROBE_PATHS: Paths = {
  "/healthz": report({
    operationId: "getHealth",
    summary: "The process answers",
    tag: "probes",
    schema: Health,
    example: { status: "ok" },
  }),
  "/readyz": {
    get: {
      operationId: "getReadiness",
      summary: "Whether this listener can do its work",
      tags: ["probes"],
      responses: {
        "200": json("It can", Readiness, {
          example: {
            state: "ready",
            reason: "all entries of the log are applied",
          },
        }),
        "503": json("It can't, with the reason", Readiness, {
          example: {
            state: "restoring",
            reason: "a snapshot is restored",
            rows: 40_000,
            percent: 40,
          },
        }),
      },
    },
  },
};
