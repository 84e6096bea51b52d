/**
 * The records of a segment: runs of 32-bit words, one after the other. A record
 * is a header, the key's UTF-8 bytes, the last word padded with zeros, and the
 * numbers.
 *
 * @module
 */

/** The key's length in bytes, in a record's header. */
export const LENGTH_MASK = 0x1ff;
/** The numbers have two words each, low and high, instead of one. */
export const WIDE = 0x200;
/** The record was removed, or replaced by a wider one further on. */
export const DEAD = 0x400;

/** @returns The words of the record with this header. */
export function recordWords(header: number): number {
  return 1 + (((header & LENGTH_MASK) + 3) >> 2) +
    ((header & WIDE) === 0 ? 4 : 8);
}

/**
 * Overwrites a record's numbers.
 *
 * @param words A segment's records.
 * @param place The record's place.
 * @param a A safe integer, of 32 bits unless the record is wide; as the others.
 */
export function writeNumbers(
  words: Int32Array,
  place: number,
  a: number,
  b: number,
  c: number,
  d: number,
): void {
  const header = words[place];
  const at = place + 1 + (((header & LENGTH_MASK) + 3) >> 2);
  if ((header & WIDE) === 0) {
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
  } else {
    writeWide(words, at, a);
    writeWide(words, at + 2, b);
    writeWide(words, at + 4, c);
    writeWide(words, at + 6, d);
  }
}

function writeWide(words: Int32Array, at: number, value: number): void {
  const low = value | 0;
  words[at] = low;
  // `value | 0` is the value modulo 2^32, so the rest divides exactly.
  words[at + 1] = (value - (low >>> 0)) / 4294967296;
}

/**
 * @param words A segment's records or a copy of them.
 * @param place A record's place.
 * @param column 0 to 3, in the contract's order.
 * @returns The number.
 */
export function readNumber(
  words: Int32Array,
  place: number,
  column: number,
): number {
  const header = words[place];
  const at = place + 1 + (((header & LENGTH_MASK) + 3) >> 2);
  if ((header & WIDE) === 0) return words[at + column];
  return words[at + 2 * column + 1] * 4294967296 +
    (words[at + 2 * column] >>> 0);
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
