/**
 * What `/set` takes and answers.
 *
 * @module
 */
import { UserGradePatchSchema } from "../../user_grade_schema.ts";
import type { PathItem } from "../openapi/responses.ts";
import { GRADES, UserGrade } from "../openapi/schemas.ts";
import { changing } from "./change_openapi.ts";

const PartialUserGrade = UserGradePatchSchema.meta({
  id: "PartialUserGrade",
  description:
    "A field that is left out keeps its stored value, 0 for a new user.",
});

/** The path `/set`. */
export const SET_PATH: PathItem = {
  post: changing({
    operationId: "setUsers",
    summary: "Creates users or changes some of their fields",
    description:
      "The answer comes when the change is committed in the log and applied here. An explicit 0 is a value like any other. Log-Sequence, given as `min_sequence` to a get of any replica, lets that get see the change.",
    name: "Set",
    change: PartialUserGrade,
    examples: {
      one: { value: { user_id: "ann", spp: 7 } },
      many: {
        value: [{ user_id: "ann", spp: 7 }, {
          user_id: "bob",
          return_fee: 150,
        }],
      },
    },
    answer: UserGrade,
    answerExamples: {
      one: { value: GRADES[0] },
      many: { value: [...GRADES] },
    },
  }),
};
