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
    description:
      "Restart the process if this fails. It says nothing about the log: see `/readyz`.",
    tag: "probes",
    schema: Health,
    example: { status: "ok" },
  }),
  "/readyz": {
    get: {
      operationId: "getReadiness",
      summary: "Whether this listener can do its work",
      description:
        "The get listener is ready once it has caught up with the log, and stays so while the log is away. The set listener is ready while it can also commit. A proxy sends requests to those that are ready.",
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
