/**
 * What `/delete` takes and answers.
 *
 * @module
 */
import * as z from "zod";
import { DeletionRequestSchema } from "../../user_grade_schema.ts";
import type { PathItem } from "../openapi/responses.ts";
import { UserId } from "../openapi/schemas.ts";
import { changing } from "./change_openapi.ts";

const Deletion = DeletionRequestSchema.meta({
  id: "Deletion",
  description: "A user that does not exist may be deleted too.",
});

const DeletedUser = z.strictObject({
  user_id: UserId,
  existed: z.boolean().meta({ description: "Whether there was a record." }),
}).meta({ id: "DeletedUser" });

/** What a deletion did. */
export type DeletionAnswer = z.infer<typeof DeletedUser>;

/** The path `/delete`. */
export const DELETE_PATH: PathItem = {
  post: changing({
    operationId: "deleteUsers",
    summary: "Deletes users; a later set of one starts from zeros",
    description:
      "The answer comes when the deletion is committed in the log and applied here: from then on a get answers 404. Deleting again is harmless.",
    name: "Delete",
    change: Deletion,
    examples: {
      one: { value: { user_id: "ann" } },
      many: { value: [{ user_id: "ann" }, { user_id: "bob" }] },
    },
    answer: DeletedUser,
    answerExamples: {
      one: { value: { user_id: "ann", existed: true } },
      many: {
        value: [
          { user_id: "ann", existed: true },
          { user_id: "bob", existed: false },
        ],
      },
    },
  }),
};
