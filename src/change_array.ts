/**
 * Several changes that a client sends at once, and why an array is none.
 *
 * @module
 */
import { type FieldError, InvalidUserGradeError } from "./user_grade_schema.ts";

/** The most changes that a client may send at once. */
export const CHANGES_MAX = 1_000;

/** A value that is not an array of as many changes as may be sent at once. */
export class InvalidArrayError extends TypeError {
  override name = "InvalidArrayError";
}

/** An array of which one element is not valid. */
export class InvalidElementError extends TypeError {
  override name = "InvalidElementError";

  /**
   * @param index The element's place, 0 for the first.
   * @param cause Why it is not valid.
   */
  constructor(readonly index: number, cause: InvalidUserGradeError) {
    super(`Element ${index}: ${cause.message}`, { cause });
    this.errors = cause.errors;
  }

  /** The reasons, at least one, each with its field's name. */
  readonly errors: readonly FieldError[];
}

/**
 * @param values What a client has sent.
 * @param parse Reads one of them, or throws an {@linkcode InvalidUserGradeError}.
 * @returns What it made of each.
 * @throws {InvalidArrayError} If there is none, or too many, or no array.
 * @throws {InvalidElementError} If one is not valid: the first such one.
 */
export function parseArray<T>(
  values: unknown,
  parse: (value: unknown) => T,
): T[] {
  if (!Array.isArray(values)) {
    throw new InvalidArrayError("The value must be an array");
  }
  if (values.length === 0 || values.length > CHANGES_MAX) {
    throw new InvalidArrayError(
      `An array must have 1 to ${CHANGES_MAX} elements, and this one has ${values.length}`,
    );
  }
  return values.map((value, index) => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof InvalidUserGradeError)) throw error;
      throw new InvalidElementError(index, error);
    }
  });
}
