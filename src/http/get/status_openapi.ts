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
export const STATUS_PATH: PathItem = report(
  "getStatus",
  "The replica's state and place in the log",
  Status,
);
