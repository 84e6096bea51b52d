/**
 * What `/status` answers.
 *
 * @module
 */
import * as z from "zod";
import { type PathItem, report } from "../openapi/responses.ts";
import { count, digest, sequence, state } from "../openapi/schemas.ts";

const Status = z.strictObject({
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
    bytes: count.meta({
      description: "All entries that it holds, as its engine counts them.",
    }),
    snapshot: z.strictObject({
      sequence,
      time: z.string().nullable().meta({
        description: "When the log took that entry; null at sequence 0.",
      }),
      bytes: count,
    }).nullable().meta({
      description:
        "The newest snapshot that was read back whole; null before the first.",
    }),
    snapshot_problem: z.string().nullable().meta({
      description:
        "Why no snapshot is made beside the log, or in the folder; null if all is well.",
    }),
  }),
  users: count,
  digest,
  uptime_s: z.number().min(0),
  diverged: z.boolean().meta({
    description: "Another replica was found to differ from this one.",
  }),
  gets_refused: z.string().nullable().meta({
    description: "Why gets are refused now; null if they are answered.",
  }),
  sets_refused: z.string().nullable().meta({
    description:
      "Why sets, deletions and imports are refused now; null if they are taken.",
  }),
  leaving: z.string().nullable().meta({
    description:
      "Why proxies should send no more requests, though they are served yet: the service stops soon; null if it does not.",
  }),
}).meta({ id: "Status" });

/** The object of `/status`. */
export type StatusAnswer = z.infer<typeof Status>;

/** The path `/status`. */
export const STATUS_PATH: PathItem = report({
  operationId: "getStatus",
  summary: "The replica's state and place in the log",
  description:
    "Two replicas with the same `log.id` and `log.applied_sequence` have the same digest. It answers in every state, with 200.",
  tag: "replica",
  schema: Status,
  example: {
    replica_id: "a",
    version: "1.8.0",
    mode: "replicated",
    state: "ready",
    log: {
      id: "8f14e45fceea167a",
      first_sequence: 1,
      last_sequence: 120,
      applied_sequence: 120,
      lag: 0,
      connected: true,
      bytes: 10_800,
      snapshot: {
        sequence: 100,
        time: "2026-11-23T22:50:01.123456789Z",
        bytes: 1_100_000,
      },
      snapshot_problem: null,
    },
    users: 100_000,
    digest: "9f86d081884c7d65",
    uptime_s: 12.5,
    diverged: false,
    gets_refused: null,
    sets_refused: null,
    leaving: null,
  },
});
