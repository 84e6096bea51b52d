/**
 * What the service answers, as schemas.
 *
 * @module
 */
import * as z from "zod";
import { REPLICA_STATES } from "../../replica/readiness.ts";
import { UserGradePatchSchema } from "../../user_grade.ts";

const count = z.int().min(0);
const sequence = count.meta({ description: "A place in the log." });
const digest = z.string().regex(/^[0-9a-f]{16}$/).meta({
  description: "Depends on the stored records alone.",
});
const percent = z.number().min(0).max(100);
const state = z.enum(REPLICA_STATES);

/** What a client may send. */
export const PartialUserGrade = UserGradePatchSchema.meta({
  id: "PartialUserGrade",
  description:
    "A field that is left out keeps its stored value, 0 for a new user.",
});

/** A whole record: a partial one of which nothing is left out. */
export const UserGrade = z.strictObject(
  UserGradePatchSchema.required().shape,
).meta({
  id: "UserGrade",
});

const problem = {
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().meta({ description: "What is wrong and what to do." }),
};

/** An error by RFC 9457. */
export const Problem = z.strictObject(problem).meta({ id: "Problem" });

/** Why a set is not a partial user grade. */
export const ValidationProblem = z.strictObject({
  ...problem,
  errors: z.array(z.strictObject({ field: z.string(), message: z.string() }))
    .optional().meta({
      description: "Each wrong field; left out where the body is no JSON.",
    }),
}).meta({ id: "ValidationProblem" });

/** How far an import came, and why no further. */
export const ImportProblem = z.strictObject({
  ...problem,
  line: z.int().min(1).optional().meta({
    description: "The line of the file that it failed at.",
  }),
  rows_committed: count.optional().meta({
    description: "How many rows are stored. Importing again is harmless.",
  }),
}).meta({ id: "ImportProblem" });

/** What an import has stored. */
export const ImportResult = z.strictObject({
  rows: count,
  log_sequence: sequence,
}).meta({ id: "ImportResult" });

/** What `/healthz` says. */
export const Health = z.strictObject({ status: z.literal("ok") }).meta({
  id: "Health",
});

/** What `/readyz` says. */
export const Readiness = z.strictObject({
  state,
  reason: z.string(),
  rows: count.optional(),
  percent: percent.optional(),
}).meta({
  id: "Readiness",
  description: "rows and percent are there while a snapshot is restored.",
});

/** What `/status` says. */
export const Status = z.strictObject({
  replica_id: z.string(),
  version: z.string(),
  mode: z.enum(["standalone", "replicated"]),
  state,
  log: z.strictObject({
    id: z.string().nullable(),
    first_sequence: sequence,
    last_sequence: sequence,
    applied_sequence: sequence,
    lag: count,
    connected: z.boolean(),
  }),
  users: count,
  digest,
  uptime_s: z.number().min(0),
  diverged: z.boolean().meta({
    description: "Another replica was found to differ from this one.",
  }),
}).meta({ id: "Status" });

const ClusterReplica = z.strictObject({
  replica_id: z.string(),
  self: z.boolean(),
  version: z.string(),
  state: z.string().meta({
    description: "One of /status, gone, or one of a later version.",
  }),
  reason: z.string(),
  log_id: z.string().nullable(),
  applied_sequence: sequence,
  last_sequence: sequence,
  lag: count,
  users: count,
  digest,
  connected: z.boolean().nullable().meta({
    description: "Whether it can propose to the log; null of others.",
  }),
  equal: z.boolean().nullable().meta({
    description: "Whether it equals the others; null if nobody could tell yet.",
  }),
  compared_at: sequence.nullable(),
  restore: z.strictObject({ rows: count, percent }).nullable(),
  heard_ms_ago: z.number().min(0),
});

/** What `/cluster` says. */
export const Cluster = z.strictObject({
  replica_id: z.string(),
  presence: z.enum(["on", "off", "standalone"]),
  diverged: z.boolean(),
  stands_alone: z.string().nullable().meta({
    description: "The replica that differs from all others, which are equal.",
  }),
  replicas: z.array(ClusterReplica),
}).meta({ id: "Cluster" });

const column = z.array(z.number());

/** What `/history` says. */
export const History = z.strictObject({
  now_s: z.number(),
  step_s: z.number(),
  samples_max: count,
  columns: z.strictObject({
    at_s: column,
    gets_per_s: column,
    sets_per_s: column,
    commit_p50_ms: z.array(z.number().nullable()),
    commit_p99_ms: z.array(z.number().nullable()),
    rss_bytes: column,
  }),
}).meta({
  id: "History",
  description:
    "Columns, the oldest sample first; seconds since the replica's start.",
});
