/**
 * What `/users` answers.
 *
 * @module
 */
import * as z from "zod";
import {
  GUARDS,
  json,
  type PathItem,
  problem,
  SECURITY,
  unavailable,
} from "../openapi/responses.ts";
import {
  GRADES,
  LogSequence,
  UserGrade,
  ValidationProblem,
} from "../openapi/schemas.ts";
import { USERS_DEFAULT, USERS_MAX } from "./users_query.ts";

const Users = z.strictObject({
  users: z.array(UserGrade).max(USERS_MAX),
  next: z.string().nullable().meta({
    description: "The `after` of the next users; null if there are no more.",
  }),
}).meta({ id: "Users" });

/** The path `/users`. */
export const USERS_PATH: PathItem = {
  get: {
    operationId: "findUsers",
    summary: "Users whose ids begin with a text, in the order of their ids",
    description:
      "It looks at every id, which takes 0.3 to 1.1 s of CPU with 10 million users; gets and sets go on meanwhile. Users who are set or deleted during the search may be in the answer or not.",
    tags: ["changes"],
    security: SECURITY,
    requestParams: {
      query: z.object({
        prefix: z.string().optional().meta({
          description: "What the ids begin with; all of them without it.",
          examples: ["ann"],
        }),
        after: z.string().optional().meta({
          description: "Only ids after this one: `next` of the answer before.",
        }),
        limit: z.int().min(1).max(USERS_MAX).optional().meta({
          description:
            `The most users to answer with; ${USERS_DEFAULT} without it.`,
        }),
      }),
    },
    responses: {
      "200": json("The users", Users, {
        headers: {
          "log-sequence": LogSequence.meta({
            description: "What was applied: all records are as of this.",
          }),
        },
        example: { users: [GRADES[0]], next: null },
      }),
      "400": problem(
        "A parameter is unknown, given twice or not valid",
        ValidationProblem,
      ),
      ...GUARDS,
      "503": unavailable(
        "Not ready, another search is running, or it took longer than 10 s",
      ),
    },
  },
};
