/**
 * What a client may send: a partial user grade, and why a value is none.
 *
 * @module
 */
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

/** What is wrong with a user id; undefined if nothing is. */
function idProblem(id: unknown): string | undefined {
  if (typeof id !== "string") return "must be a string";
  if (id === "") return "must not be empty";
  if (!id.isWellFormed()) {
    return "must be well-formed Unicode (it holds a lone surrogate)";
  }
  if (CONTROL_CHARACTER.test(id)) {
    return "must not hold control characters (U+0000 to U+001F, U+007F)";
  }
  return fitsUserIdBytes(id)
    ? undefined
    : `must be at most ${USER_ID_BYTES_MAX} bytes of UTF-8`;
}

/** Whether `id` is a user id, by every limit of the record. */
export function isUserId(id: unknown): boolean {
  return idProblem(id) === undefined;
}

const ONLY_SAFE_INTEGERS =
  `must be an integer from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;

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

const NUMBER_FIELD_NAMES: ReadonlySet<string> = new Set(NUMBER_FIELDS);

/** Whether a parsed JSON value is a partial user grade. Hot: once for each set. */
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
  if (isPatch(value)) return value;
  throw explained(value, NUMBER_FIELDS, "a user grade");
}

/**
 * Checks that a parsed JSON value is `{"user_id": "…"}`.
 *
 * @param value What `JSON.parse` returned.
 * @returns The value.
 * @throws {InvalidUserGradeError} If it is not; it names each field.
 */
export function parseDeletion(value: unknown): { user_id: string } {
  if (isDeletion(value)) return value;
  throw explained(value, [], "a deletion");
}

function isDeletion(value: unknown): value is { user_id: string } {
  return isPatch(value) && Object.keys(value).length === 1;
}

/** Names all that is wrong with a value: something is. */
function explained(
  value: unknown,
  numberFields: readonly string[],
  what: string,
): InvalidUserGradeError {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const errors = [{ field: "", message: "must be a JSON object" }];
    return new InvalidUserGradeError(errors, what);
  }
  const fields = value as Record<string, unknown>;
  const errors: FieldError[] = [];
  const note = (field: string, message: string) =>
    void errors.push({ field, message });
  const ofId = Object.hasOwn(fields, "user_id")
    ? idProblem(fields.user_id)
    : "is required";
  if (ofId !== undefined) note("user_id", ofId);
  for (const field of numberFields) {
    if (Object.hasOwn(fields, field) && !Number.isSafeInteger(fields[field])) {
      note(field, ONLY_SAFE_INTEGERS);
    }
  }
  for (const key of Object.keys(fields)) {
    if (key === "user_id" || numberFields.includes(key)) continue;
    // Errors are logged, and a name must not forge a log line.
    const shown = key.slice(0, FIELD_NAME_CHARACTERS_MAX).toWellFormed()
      .replace(/\p{Cc}/gu, "\ufffd");
    note(shown, `is not a field of ${what}`);
  }
  return new InvalidUserGradeError(errors.slice(0, FIELD_ERRORS_MAX), what);
}

/**
 * Checks that a value can be a user's id.
 *
 * @param id Any value.
 * @throws {InvalidUserGradeError} If no user can have this id.
 */
export function assertUserId(id: unknown): void {
  const message = idProblem(id);
  if (message === undefined) return;
  throw new InvalidUserGradeError([{ field: "user_id", message }]);
}
