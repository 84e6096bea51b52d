/**
 * What `/set` takes and answers.
 *
 * @module
 */
import { UserGradePatchSchema } from "../../user_grade_schema.ts";
import {
  encodingRefused,
  GUARDS,
  json,
  type PathItem,
  problem,
  SECURITY,
  unavailable,
} from "../openapi/responses.ts";
import {
  LogSequence,
  UserGrade,
  ValidationProblem,
} from "../openapi/schemas.ts";

const PartialUserGrade = UserGradePatchSchema.meta({
  id: "PartialUserGrade",
  description:
    "A field that is left out keeps its stored value, 0 for a new user.",
});

/** The path `/set`. */
export const SET_PATH: PathItem = {
  post: {
    summary: "Creates a user or changes some of its fields",
    security: SECURITY,
    requestBody: {
      required: true,
      content: { "application/json": { schema: PartialUserGrade } },
    },
    responses: {
      "200": json("The whole record, committed and applied", UserGrade, {
        "log-sequence": LogSequence,
      }),
      "400": problem("The body is not a partial user grade", ValidationProblem),
      ...GUARDS,
      "408": problem("The body did not arrive within 10 s"),
      "413": problem("The body is longer than MAX_BODY_BYTES"),
      "415": encodingRefused("Content-Encoding is not identity"),
      "503": unavailable(
        "Certainly not stored: not ready, too many wait, or READ_ONLY",
      ),
      "504": problem(
        "The outcome is unknown, or the set is stored and can't be applied here yet",
      ),
    },
  },
};
