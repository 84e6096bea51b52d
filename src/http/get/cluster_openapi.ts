/**
 * What `/cluster` answers.
 *
 * @module
 */
import * as z from "zod";
import { type PathItem, report } from "../openapi/responses.ts";
import { count, digest, percent, sequence } from "../openapi/schemas.ts";

const Row = z.strictObject({
  replica_id: z.string(),
  self: z.boolean(),
  version: z.string(),
  state: z.string().meta({
    description:
      "A state of /status, away, gone, unknown (it can't be heard now), or a state of a later version.",
  }),
  reason: z.string(),
  log_id: z.string().nullable(),
  applied_sequence: sequence,
  last_sequence: sequence,
  lag: count,
  users: count,
  digest,
  connected: z.boolean().nullable().meta({
    description: "Whether it can propose to the log; null for other replicas.",
  }),
  equal: z.boolean().nullable().meta({
    description: "Whether it equals the others; null if that is not known yet.",
  }),
  compared_at: sequence.nullable(),
  restore: z.strictObject({ rows: count, percent }).nullable(),
  heard_ms_ago: z.number().min(0),
});

/** One replica in the object of `/cluster`. */
export type ClusterRow = z.infer<typeof Row>;

const Cluster = z.strictObject({
  replica_id: z.string(),
  presence: z.enum(["on", "off", "standalone"]),
  diverged: z.boolean(),
  stands_alone: z.string().nullable().meta({
    description: "The replica that differs from all others, which are equal.",
  }),
  other_logs: z.array(z.strictObject({
    follower: z.string().meta({ description: "A replica or a peer." }),
    log_id: z.string(),
  })).meta({
    description: "Who follows another log under the names of this one.",
  }),
  replicas: z.array(Row),
}).meta({ id: "Cluster" });

/** The object of `/cluster`. */
export type ClusterAnswer = z.infer<typeof Cluster>;

/** The path `/cluster`. */
export const CLUSTER_PATH: PathItem = report({
  operationId: "getCluster",
  summary: "All replicas as this one sees them",
  description:
    "What this replica has heard from the others, whether their records equal its own, and at which sequence they were compared. Others may see it differently.",
  tag: "replica",
  schema: Cluster,
  example: {
    replica_id: "a",
    presence: "on",
    diverged: false,
    stands_alone: null,
    other_logs: [],
    replicas: [{
      replica_id: "a",
      self: true,
      version: "1.8.0",
      state: "ready",
      reason: "all entries of the log are applied",
      log_id: "8f14e45fceea167a",
      applied_sequence: 120,
      last_sequence: 120,
      lag: 0,
      users: 100_000,
      digest: "9f86d081884c7d65",
      connected: true,
      equal: true,
      compared_at: 120,
      restore: null,
      heard_ms_ago: 0,
    }],
  },
});
