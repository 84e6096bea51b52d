/**
 * What a client may send: a partial user grade, and why a value is none.
 *
 * Workers that only read and write rows do without it: loading Zod is half of
 * their start.
 *
 * @module
 */
import * as z from "zod";
import {
  NUMBER_FIELDS,
  USER_ID_BYTES_MAX,
  type UserGradePatch,
} from "./user_grade.ts";

/** One reason why a value is not a partial user grade. */
export interface FieldError {
  /** The field's name; empty when the value as a whole is wrong. */
  field: string;
  /** What the field must be. */
  message: string;
}

/** The most {@linkcode FieldError}s that one error carries. */
const FIELD_ERRORS_MAX = 20;

/** The most characters of an unknown field's name that an error repeats. */
const FIELD_NAME_CHARACTERS_MAX = 64;

// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

const utf8 = new TextEncoder();

/** Whether `id` has at most {@linkcode USER_ID_BYTES_MAX} bytes of UTF-8. */
function fitsUserIdBytes(id: string): boolean {
  // A UTF-16 code unit takes at most three bytes, so short ids need no encoding.
  return id.length * 3 <= USER_ID_BYTES_MAX ||
    (id.length <= USER_ID_BYTES_MAX &&
      utf8.encode(id).length <= USER_ID_BYTES_MAX);
}

/** Whether `id` is a user id, by every limit of the schema. */
function isUserId(id: unknown): boolean {
  return typeof id === "string" && id !== "" && !CONTROL_CHARACTER.test(id) &&
    id.isWellFormed() && fitsUserIdBytes(id);
}

const ONLY_SAFE_INTEGERS =
  `must be an integer from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;

const number = z.int({ error: ONLY_SAFE_INTEGERS }).optional();

/**
 * A partial user grade as a client or a log entry may hold it: every limit of
 * the record, and no other field.
 */
export const UserGradePatchSchema = z.strictObject({
  user_id: z.string({ error: "must be a string" })
    // Not `min(1)`: Zod checks that for an array too, and reports it twice.
    .refine((id) => id !== "", { error: "must not be empty", abort: true })
    .refine((id) => id.isWellFormed(), {
      error: "must be well-formed Unicode (it holds a lone surrogate)",
      abort: true,
    })
    .refine((id) => !CONTROL_CHARACTER.test(id), {
      error: "must not hold control characters (U+0000 to U+001F, U+007F)",
      abort: true,
    })
    .refine(fitsUserIdBytes, {
      error: `must be at most ${USER_ID_BYTES_MAX} bytes of UTF-8`,
    })
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

/** A value that is not a partial user grade, or not a deletion. */
export class InvalidUserGradeError extends TypeError {
  override name = "InvalidUserGradeError";

  /**
   * @param errors The reasons, at least one, each with its field's name.
   * @param what What the value should be.
   */
  constructor(readonly errors: readonly FieldError[], what = "a user grade") {
    const reasons = errors.map(({ field, message }) =>
      field === "" ? message : `${field} ${message}`
    );
    super(`Cannot read ${what}: ${reasons.join("; ")}`);
  }
}

/** Zod's issues, one {@linkcode FieldError} for each field. */
function toFieldErrors(
  issues: readonly z.core.$ZodIssue[],
  what: string,
): FieldError[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        // Errors are logged, and a name must not forge a log line.
        field: key.slice(0, FIELD_NAME_CHARACTERS_MAX).toWellFormed()
          .replace(/\p{Cc}/gu, "\ufffd"),
        message: `is not a field of ${what}`,
      }));
    }
    if (issue.path.length === 0) {
      return [{ field: "", message: "must be a JSON object" }];
    }
    return [{ field: String(issue.path[0]), message: issue.message }];
  }).slice(0, FIELD_ERRORS_MAX);
}

const NUMBER_FIELD_NAMES: ReadonlySet<string> = new Set(NUMBER_FIELDS);

/**
 * Whether the schema accepts a parsed JSON value, at a quarter of its cost (0.06
 * against 0.26 µs measured). The schema explains failures.
 */
export function isPatch(value: unknown): value is UserGradePatch {
  if (typeof value !== "object" || value === null) return false;
  let hasId = false;
  for (const key in value) {
    const field = (value as Record<string, unknown>)[key];
    if (key === "user_id") {
      if (!isUserId(field)) return false;
      hasId = true;
    } else if (!NUMBER_FIELD_NAMES.has(key) || !Number.isSafeInteger(field)) {
      return false;
    }
  }
  return hasId;
}

/**
 * Checks that a parsed JSON value is a partial user grade.
 *
 * @param value What `JSON.parse` returned.
 * @returns The value.
 * @throws {InvalidUserGradeError} If any field breaks a limit; it names each.
 */
export function parsePatch(value: unknown): UserGradePatch {
  return isPatch(value)
    ? value
    : parse(UserGradePatchSchema, value, "a user grade");
}

/**
 * Checks that a parsed JSON value is `{"user_id": "…"}`.
 *
 * @param value What `JSON.parse` returned.
 * @returns The value.
 * @throws {InvalidUserGradeError} If it is not; it names each field.
 */
export function parseDeletion(value: unknown): { user_id: string } {
  return parse(DeletionRequestSchema, value, "a deletion");
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = toFieldErrors(result.error.issues, what);
  // Zod reports a missing field and a mistyped one alike.
  const missing = errors.findIndex((error) =>
    error.field === "user_id" &&
    !Object.hasOwn(value as Record<string, unknown>, "user_id")
  );
  if (missing !== -1) {
    errors[missing] = { field: "user_id", message: "is required" };
  }
  throw new InvalidUserGradeError(errors, what);
}

/**
 * Checks that a value can be a user's id.
 *
 * @param id Any value.
 * @throws {InvalidUserGradeError} If no user can have this id.
 */
export function assertUserId(id: unknown): void {
  if (isUserId(id)) return;
  const { error } = UserGradePatchSchema.shape.user_id.safeParse(id);
  throw new InvalidUserGradeError(
    error!.issues.map(({ message }) => ({ field: "user_id", message })),
  );
}
