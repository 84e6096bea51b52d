/**
 * An entry's payload: a JSON array of one or more partial user grades, applied
 * in order, all or none.
 *
 * @module
 */
import {
  InvalidUserGradeError,
  parsePatch,
  type UserGradePatch,
} from "../user_grade.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** An entry that no replica can apply: all of them skip it. */
export class InvalidEntryError extends TypeError {
  override name = "InvalidEntryError";
}

/**
 * @param texts Each set's JSON text, as {@linkcode patchText} gives it.
 * @returns The entry's JSON text.
 */
export function entryText(texts: readonly string[]): string {
  return "[" + texts.join(",") + "]";
}

/**
 * @param text An entry's JSON text, as {@linkcode entryText} gives it.
 * @returns Its payload.
 */
export function encodeEntry(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** @returns A patch's JSON text, for {@linkcode entryText}. */
export function patchText(patch: UserGradePatch): string {
  return JSON.stringify(patch);
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
