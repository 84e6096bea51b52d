/**
 * Parts of answers that several routes share, as schemas.
 *
 * @module
 */
import * as z from "zod";
import { REPLICA_STATES } from "../../replica_states.ts";
import type { UserGrade as UserGradeRecord } from "../../user_grade.ts";
import { UserGradePatchSchema } from "../../user_grade_schema.ts";

export const count = z.int().min(0);
export const sequence = count.meta({ description: "A place in the log." });
export const digest = z.string().regex(/^[0-9a-f]{16}$/).meta({
  description: "Depends on the stored records alone.",
});
export const percent = z.number().min(0).max(100);
export const state = z.enum(REPLICA_STATES);

/** The header of a sequence. */
export const LogSequence = z.string().regex(/^\d+$/);

/** A user's id. */
export const UserId = UserGradePatchSchema.shape.user_id;

/** A whole record: a partial one with all its fields. */
export const UserGrade = z.strictObject(
  UserGradePatchSchema.required().shape,
).meta({ id: "UserGrade" });

/** Records for examples. */
export const GRADES: readonly [UserGradeRecord, UserGradeRecord] = [
  {
    user_id: "ann",
    postpaid_limit: 5_000,
    spp: 7,
    shipping_fee: 0,
    return_fee: 0,
  },
  {
    user_id: "bob",
    postpaid_limit: 0,
    spp: 0,
    shipping_fee: 0,
    return_fee: 150,
  },
];

/** A gzip file, or any file: a schema can't describe its content. */
export const file = z.string().meta({ format: "binary" });

/** The members of every error. */
export const problemMembers = {
  type: z.string().meta({
    description: "`about:blank`: the status says what kind of error it is.",
    examples: ["about:blank"],
  }),
  title: z.string().meta({
    description: "The status in words.",
    examples: ["Not Found"],
  }),
  status: z.int().min(400).max(599).meta({ format: "int32", examples: [404] }),
  detail: z.string().meta({
    description: "What is wrong and what to do.",
    examples: ["No user has this user_id"],
  }),
};

/** An error by RFC 9457. */
export const Problem = z.strictObject(problemMembers).meta({ id: "Problem" });

/** An error of values that are not what they must be. */
export const ValidationProblem = z.strictObject({
  ...problemMembers,
  errors: z.array(z.strictObject({
    index: count.optional().meta({
      description: "The element of the array that is wrong, from 0.",
    }),
    field: z.string().meta({ description: "Empty for a value as a whole." }),
    message: z.string(),
  })).optional().meta({
    description:
      "Each wrong field, at most 20; left out if a value is not the reason.",
  }),
}).meta({ id: "ValidationProblem" });
