/**
 * What a client may send, as schemas for the document. The service itself checks
 * with `user_grade_schema.ts`, and a test holds that both accept the same.
 *
 * @module
 */
import * as z from "zod";
import { USER_ID_BYTES_MAX } from "../../user_grade.ts";
import { isUserId } from "../../user_grade_schema.ts";

const number = z.int().optional();

/** A partial user grade, and no other field. */
export const UserGradePatchSchema = z.strictObject({
  user_id: z.string().refine(isUserId)
    // For readers of the JSON schema, which can't show what `refine` checks.
    .meta({
      id: "UserId",
      description:
        `1 to ${USER_ID_BYTES_MAX} bytes of UTF-8, well-formed, without control characters`,
      minLength: 1,
      maxLength: USER_ID_BYTES_MAX,
      pattern: "^[^\\u0000-\\u001f\\u007f]*$",
    }),
  postpaid_limit: number,
  spp: number,
  shipping_fee: number,
  return_fee: number,
});

/** What a client sends to delete a user: the id, and no other field. */
export const DeletionRequestSchema = UserGradePatchSchema.pick({
  user_id: true,
});
