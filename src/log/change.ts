/**
 * Changes, and entries made of them: an entry's payload is a JSON array of one
 * or more partial user grades, applied in order, all or none.
 *
 * A replica applies its own changes as it holds them, and those of others as it
 * reads them from the log. {@linkcode Change} is the gate that keeps the two
 * the same: nothing is proposed but what it has checked.
 *
 * @module
 */
import type { UserGradePatch } from "../user_grade.ts";
import { InvalidUserGradeError, parsePatch } from "../user_grade_schema.ts";

/**
 * Drops a byte order mark before the array, as version 1.0 does: no replica
 * may read an entry of version 1 in another way than that.
 */
const decoder = new TextDecoder("utf-8", { fatal: true });

/** An entry that no replica can apply: all of them skip it. */
export class InvalidEntryError extends TypeError {
  override name = "InvalidEntryError";
}

/**
 * A change that may be proposed to the log. Invariant: an entry that holds
 * `text` decodes to `patch`, on every replica.
 */
export class Change {
  private constructor(
    /** What is applied: a copy, which the caller can't change. */
    readonly patch: Readonly<UserGradePatch>,
    /** The same as JSON. */
    readonly text: string,
  ) {}

  /**
   * @param value A partial user grade, from anyone.
   * @returns The change that merges it into the user's record.
   * @throws {InvalidUserGradeError} If any field breaks a limit; it names each.
   */
  static set(value: unknown): Change {
    const { user_id, postpaid_limit, spp, shipping_fee, return_fee } =
      parsePatch(value);
    const patch = {
      user_id,
      postpaid_limit: withoutSign(postpaid_limit),
      spp: withoutSign(spp),
      shipping_fee: withoutSign(shipping_fee),
      return_fee: withoutSign(return_fee),
    };
    return new Change(patch, JSON.stringify(patch));
  }
}

/** The same number, 0 for `-0`, which JSON text made of it would not hold. */
function withoutSign(value: number | undefined): number | undefined {
  return value === 0 ? 0 : value;
}

/** @returns The JSON text of the entry that holds these changes, in order. */
export function entryText(changes: readonly Change[]): string {
  return "[" + changes.map(({ text }) => text).join(",") + "]";
}

/**
 * @param payload An entry's payload, from anyone.
 * @returns Its patches, at least one, all valid.
 * @throws {InvalidEntryError} If any part of it is not what it must be.
 */
export function decodeEntry(payload: Uint8Array): UserGradePatch[] {
  let values: unknown;
  try {
    values = JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new InvalidEntryError("Cannot read an entry: it is not JSON", {
      cause,
    });
  }
  if (!Array.isArray(values) || values.length === 0) {
    throw new InvalidEntryError(
      "Cannot read an entry: it is not an array of one or more user grades",
    );
  }
  return values.map((value, index) => {
    try {
      return parsePatch(value);
    } catch (cause) {
      if (!(cause instanceof InvalidUserGradeError)) throw cause;
      throw new InvalidEntryError(
        `Cannot read an entry, element ${index}: ${cause.message}`,
        { cause },
      );
    }
  });
}
