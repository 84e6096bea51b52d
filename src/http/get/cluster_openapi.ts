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
export const CLUSTER_PATH: PathItem = report(
  "getCluster",
  "All replicas as this one sees them",
  Cluster,
);
