/**
 * An entry's payload: its limits, and the bytes of its JSON text.
 *
 * @module
 */

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
 * @returns For how many characters a text counts: fewer than it has where they
 * take less than the most bytes. Encoding it costs more than a small text is
 * worth.
 */
export function charactersOf(text: string): number {
  return Math.ceil(encoder.encode(text).length / CHARACTER_BYTES_MAX);
}

/**
 * @param text An entry's JSON text, as `entryText` of change.ts gives it.
 * @returns Its payload.
 */
export function encodeEntry(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
