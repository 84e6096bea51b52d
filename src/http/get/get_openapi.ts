/**
 * What `/get` takes and answers.
 *
 * @module
 */
import * as z from "zod";
import {
  encodingRefused,
  json,
  type PathItem,
  problem,
  unavailable,
} from "../openapi/responses.ts";
import {
  GRADES,
  LogSequence,
  UserGrade,
  UserId,
  ValidationProblem,
} from "../openapi/schemas.ts";
import { IDS_MAX } from "./get_many.ts";

const minSequence = z.int().min(0).optional().meta({
  description:
    "Waits until this replica has applied it: the Log-Sequence of a set, to read what was set.",
});

/** The path `/get`. */
export const GET_PATH: PathItem = {
  get: {
    operationId: "getUser",
    summary: "One user's record",
    description:
      "As this replica has applied the log. With `min_sequence` it waits until that entry is applied here.",
    tags: ["users"],
    requestParams: {
      query: z.object({
        user_id: z.string().min(1).meta({
          description: "In UTF-8, percent-encoded, given once.",
          examples: ["ann"],
        }),
        min_sequence: minSequence,
      }),
    },
    responses: {
      "200": json("The record", UserGrade, {
        headers: {
          "log-sequence": LogSequence.optional().meta({
            description: "What was applied; only with min_sequence.",
          }),
        },
        example: GRADES[0],
      }),
      "400": problem(
        "For example, user_id is missing, given twice or not valid",
        ValidationProblem,
      ),
      "404": problem("There is no such user"),
      "503": unavailable("Not ready, or min_sequence is not applied in time"),
    },
  },
  post: {
    operationId: "getUsers",
    summary: "Many users' records, all as of one sequence",
    description:
      "No change lies between two of the records: they are what was there after the entry Log-Sequence.",
    tags: ["users"],
    requestParams: { query: z.object({ min_sequence: minSequence }) },
    requestBody: {
      required: true,
      description: "The ids, in any order; the same one may come again.",
      content: {
        "application/json": {
          schema: z.array(UserId).min(1).max(IDS_MAX),
          example: ["ann", "dan"],
        },
      },
    },
    responses: {
      "200": json(
        "The records in the order of the ids, null for a user that does not exist",
        z.array(UserGrade.nullable()).min(1).max(IDS_MAX),
        {
          headers: {
            "log-sequence": LogSequence.meta({
              description: "What was applied: all records are as of this.",
            }),
          },
          example: [GRADES[0], null],
        },
      ),
      "400": problem(
        `The body is not an array of 1 to ${IDS_MAX} ids, or min_sequence is not valid`,
        ValidationProblem,
      ),
      "408": problem("The body did not arrive within 10 s"),
      "413": problem("The body is longer than MAX_BODY_BYTES"),
      "415": encodingRefused("Content-Encoding is not identity"),
      "503": unavailable(
        "Not ready, min_sequence is not applied in time, or too many bodies are on their way",
      ),
    },
  },
};
