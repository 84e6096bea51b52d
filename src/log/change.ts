/**
 * Changes, and entries made of them: an entry's payload is a JSON array of one
 * or more changes, applied in order, all or none. In version 1 each is a partial
 * user grade; in version 2 it may be a deletion, `{"user_id": "…", "deleted":
 * true}`, too.
 *
 * A replica applies its own changes as it holds them, and those of others as it
 * reads them from the log. {@linkcode Change} is the gate that keeps the two
 * the same: nothing is proposed but what it has checked.
 *
 * @module
 */
import type {
  UserChange,
  UserDeletion,
  UserGradePatch,
} from "../user_grade.ts";
import {
  InvalidUserGradeError,
  parseDeletion,
  parsePatch,
} from "../user_grade_schema.ts";

/** The versions of entries that hold changes. */
export type EntryVersion = 1 | 2;

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
 * A change that may be proposed to the log. Invariant: an entry of its version
 * or a later one that holds `change` as JSON decodes to it, on every replica.
 */
export class Change {
  private constructor(
    /** What is applied: a copy, which the caller can't change. */
    readonly change: Readonly<UserChange>,
    /** The lowest version of entries that can say it. */
    readonly version: EntryVersion,
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
    return new Change(patch, 1);
  }

  /**
   * @param value `{"user_id": "…"}`, from anyone.
   * @returns The change that deletes the user's record, if there is one.
   * @throws {InvalidUserGradeError} If it is anything else; it names each field.
   */
  static delete(value: unknown): Change {
    const deletion: UserDeletion = {
      user_id: parseDeletion(value).user_id,
      deleted: true,
    };
    return new Change(deletion, 2);
  }
}

/** Whether a change is a deletion. */
export function isDeletion(change: UserChange): change is UserDeletion {
  return (change as Partial<UserDeletion>).deleted === true;
}

/** The same number, 0 for `-0`, which JSON text made of it would not hold. */
function withoutSign(value: number | undefined): number | undefined {
  return value === 0 ? 0 : value;
}

/**
 * @param changes Changes that have passed the gate.
 * @returns The JSON text of the entry that holds them, in order.
 */
export function entryText(changes: readonly Readonly<UserChange>[]): string {
  return JSON.stringify(changes);
}

/**
 * @param payload An entry's payload, from anyone.
 * @param version The entry's version; 1 if it is left out.
 * @returns Its changes, at least one, all valid.
 * @throws {InvalidEntryError} If any part of it is not what it must be.
 */
export function decodeEntry(payload: Uint8Array, version?: 1): UserGradePatch[];
export function decodeEntry(
  payload: Uint8Array,
  version: EntryVersion,
): UserChange[];
export function decodeEntry(
  payload: Uint8Array,
  version: EntryVersion = 1,
): UserChange[] {
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
      `Cannot read an entry: it is not an array of one or more ${
        version === 1 ? "user grades" : "changes"
      }`,
    );
  }
  const parse = version === 1 ? parsePatch : parseChange;
  return values.map((value, index) => {
    try {
      return parse(value);
    } catch (cause) {
      if (!(cause instanceof InvalidUserGradeError)) throw cause;
      throw new InvalidEntryError(
        `Cannot read an entry, element ${index}: ${cause.message}`,
        { cause },
      );
    }
  });
}

/** Whatever says `deleted` has to be a deletion, and nothing else. */
function parseChange(value: unknown): UserChange {
  if (
    typeof value !== "object" || value === null ||
    !Object.hasOwn(value, "deleted")
  ) return parsePatch(value);
  const { deleted, ...rest } = value as Record<string, unknown>;
  const { user_id } = parseDeletion(rest);
  if (deleted !== true) {
    throw new InvalidUserGradeError(
      [{ field: "deleted", message: "must be true" }],
      "a deletion",
    );
  }
  return { user_id, deleted };
}
