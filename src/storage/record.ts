/**
 * The records of a segment: runs of 32-bit words, one after the other. A record
 * is a header, the key's UTF-8 bytes, the last word padded with zeros, and the
 * packed numbers.
 *
 * @module
 */
import { numberWords, WIDTHS_BITS } from "./packed_numbers.ts";

/** The key's length in bytes, in a record's header. */
export const LENGTH_MASK = 0x1ff;
/** The record was removed, or replaced by a wider one further on. */
export const DEAD = 0x200;
/** Above it, the header has the widths of the numbers. */
const WIDTHS_SHIFT = 10;

/** How many bits a header has. */
export const HEADER_BITS = WIDTHS_SHIFT + WIDTHS_BITS;

/**
 * @param length The key's length in bytes.
 * @param widths The widths of the numbers.
 * @returns A record's header.
 */
export function recordHeader(length: number, widths: number): number {
  return length | (widths << WIDTHS_SHIFT);
}

/** @returns The widths of the numbers of the record with this header. */
export function widthsIn(header: number): number {
  return header >>> WIDTHS_SHIFT;
}

/** @returns How many words the key of the record with this header has. */
export function keyWords(header: number): number {
  return ((header & LENGTH_MASK) + 3) >> 2;
}

/** @returns The words of the record with this header. */
export function recordWords(header: number): number {
  return 1 + keyWords(header) + numberWords(widthsIn(header));
}

/**
 * Calls `visit` with the place and key length in bytes of each record that is
 * not dead, in the order of their places.
 *
 * @param words A segment's records or a copy of them.
 * @param used How many words are in use.
 */
export function forEachRecord(
  words: Int32Array,
  used: number,
  visit: (place: number, length: number) => void,
): void {
  for (let place = 0; place < used;) {
    const header = words[place];
    if ((header & DEAD) === 0) visit(place, header & LENGTH_MASK);
    place += recordWords(header);
  }
}
