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
import {
  InvalidUserGradeError,
  parsePatch,
  type UserGradePatch,
} from "../user_grade.ts";

/**
 * The most bytes of an entry's payload: every engine takes them, and a NATS
 * server with its usual `max_payload` of 1 MiB has room for the headers too.
 */
export const ENTRY_BYTES_MAX = 1023 * 1024;

/** The most bytes of UTF-8 that one character, a UTF-16 code unit, can take. */
const CHARACTER_BYTES_MAX = 3;

/** The most characters of an entry's JSON text, whatever they are. */
export const ENTRY_CHARACTERS_MAX = charactersThatFit(ENTRY_BYTES_MAX);

/** @returns The most characters of JSON text that fit, whatever they are. */
export function charactersThatFit(bytes: number): number {
  return Math.floor(Math.min(bytes, ENTRY_BYTES_MAX) / CHARACTER_BYTES_MAX);
}

const encoder = new TextEncoder();
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
 * @param text An entry's JSON text, as {@linkcode entryText} gives it.
 * @returns Its payload.
 */
export function encodeEntry(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
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
