/**
 * What `/watch` takes and answers.
 *
 * @module
 */
import * as z from "zod";
import { type PathItem, problem, unavailable } from "../openapi/responses.ts";
import {
  GRADES,
  problemMembers,
  sequence,
  ValidationProblem,
} from "../openapi/schemas.ts";
import { WATCHED_USERS_MAX } from "./watch_query.ts";

const GoneProblem = z.strictObject({
  ...problemMembers,
  oldest_sequence: sequence.meta({
    description: "The lowest sequence that this replica can go on after.",
  }),
}).meta({ id: "GoneProblem" });

const after = z.int().min(0).optional();

/** The path `/watch`. */
export const WATCH_PATH: PathItem = {
  get: {
    operationId: "watchChanges",
    summary: "Changes as they commit, as server-sent events",
    tags: ["users"],
    description:
      `In the order of the log: \`event: set\` with a whole UserGrade as JSON, or \`event: delete\` with \`{"user_id": "…"}\`. The last event of an entry has its sequence as \`id\`; go on with \`Last-Event-ID\`, at this replica or another one, and no change is missing and no entry comes twice. A block with an \`id\` alone says up to where everything was told. \`event: end\` with \`{"reason": "…", "detail": "…"}\` comes before this side ends the stream. With the reason \`ahead\` the log does not reach the sequence that was asked for and may have gone back: take a backup and begin anew with it. Over HTTP/1.1 a URL beyond 65,000 bytes gets 400 with no body from the runtime, over HTTP/2 one beyond 16,000 gets 431; a proxy may allow less. Watch many users by several requests, or all of them.`,
    requestParams: {
      query: z.object({
        user_id: z.array(z.string().min(1)).max(WATCHED_USERS_MAX).optional()
          .meta({
            description: "Only these users; may be given many times.",
            examples: [["ann"]],
          }),
        after: after.meta({
          description:
            "Every change after this sequence; without it, from now on. One that is yet to come is waited for, for `COMMIT_TIMEOUT_MS` if the log does not have it.",
        }),
      }),
      header: z.object({
        "last-event-id": after.meta({
          description: "As after, and counts more than it.",
        }),
      }),
    },
    responses: {
      "200": {
        description: "Events without end",
        content: {
          "text/event-stream": {
            schema: z.string(),
            example: `event: set\ndata: ${
              JSON.stringify(GRADES[0])
            }\nid: 121\n\n`,
          },
        },
        headers: z.object({
          "cache-control": z.literal("no-store, no-transform"),
          "x-accel-buffering": z.literal("no"),
        }),
      },
      "400": problem("A parameter is not valid or unknown", ValidationProblem),
      "410": problem(
        "This replica does not remember all changes since then",
        GoneProblem,
      ),
      "503": unavailable("Not ready, or too many are watching"),
    },
  },
};
