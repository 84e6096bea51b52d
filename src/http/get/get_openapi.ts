/**
 * What `/get` takes and answers.
 *
 * @module
 */
import * as z from "zod";
import {
  json,
  type PathItem,
  problem,
  unavailable,
} from "../openapi/responses.ts";
import { LogSequence, UserGrade } from "../openapi/schemas.ts";

/** The path `/get`. */
export const GET_PATH: PathItem = {
  get: {
    summary: "One user's record",
    requestParams: {
      query: z.object({
        user_id: z.string().min(1).meta({
          description: "In UTF-8, percent-encoded, given once.",
        }),
        min_sequence: z.int().min(0).optional().meta({
          description:
            "Waits until this replica has applied it: the Log-Sequence of a set, to read what was set.",
        }),
      }),
    },
    responses: {
      "200": json("The record", UserGrade, {
        "log-sequence": LogSequence.optional().meta({
          description: "What was applied; only with min_sequence.",
        }),
      }),
      "400": problem(
        "For example, user_id is missing, given twice or not valid",
      ),
      "404": problem("There is no such user"),
      "503": unavailable("Not ready, or min_sequence is not applied in time"),
    },
  },
};
