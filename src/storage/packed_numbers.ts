/**
 * The four numbers of a record, packed: each has as many bytes as it needs, one
 * after the other, from the beginning of a word.
 *
 * Most numbers need one to four bytes, so they take half of what four words
 * would. Their widths are known from the record's header, so that reading them
 * touches nothing else.
 *
 * @module
 */

/** A number's width in bytes, 0 to 7, has three bits; the first number's are the lowest. */
const WIDTH_BITS = 3;
const WIDTH_MASK = 7;
const COLUMNS = 4;

/** How many bits the widths of four numbers have. */
export const WIDTHS_BITS = COLUMNS * WIDTH_BITS;

/** The most words that four numbers take. */
export const NUMBER_WORDS_MAX = 7;

/** @returns The widths that four safe integers need. */
export function widthsOf(a: number, b: number, c: number, d: number): number {
  return widthOf(a) | (widthOf(b) << WIDTH_BITS) |
    (widthOf(c) << 2 * WIDTH_BITS) | (widthOf(d) << 3 * WIDTH_BITS);
}

/** How many bytes a safe integer needs in two's complement; none for 0. */
function widthOf(value: number): number {
  const low = value | 0;
  if (low === value) {
    if (low === 0) return 0;
    if (low << 24 >> 24 === low) return 1;
    if (low << 16 >> 16 === low) return 2;
    return low << 8 >> 8 === low ? 3 : 4;
  }
  const high = highHalf(value);
  if (high << 24 >> 24 === high) return 5;
  return high << 16 >> 16 === high ? 6 : 7;
}

/** The upper 32 bits of a safe integer. */
function highHalf(value: number): number {
  // `value | 0` is the value modulo 2^32, so the rest divides exactly.
  return (value - ((value | 0) >>> 0)) / 4294967296;
}

/** @returns Of each number the larger of its two widths. */
export function widest(some: number, others: number): number {
  let widths = 0;
  for (let shift = 0; shift < WIDTHS_BITS; shift += WIDTH_BITS) {
    const one = (some >>> shift) & WIDTH_MASK;
    const other = (others >>> shift) & WIDTH_MASK;
    widths |= (one > other ? one : other) << shift;
  }
  return widths;
}

/** @returns How many words numbers of these widths take. */
export function numberWords(widths: number): number {
  const bytes = (widths & WIDTH_MASK) +
    ((widths >>> WIDTH_BITS) & WIDTH_MASK) +
    ((widths >>> 2 * WIDTH_BITS) & WIDTH_MASK) +
    ((widths >>> 3 * WIDTH_BITS) & WIDTH_MASK);
  return (bytes + 3) >> 2;
}

/**
 * Overwrites four numbers.
 *
 * @param words Where they are.
 * @param at The index of their first word.
 * @param widths Their widths, at least those that the numbers need.
 */
export function writeNumbers(
  words: Int32Array,
  at: number,
  widths: number,
  a: number,
  b: number,
  c: number,
  d: number,
): void {
  const end = at + numberWords(widths);
  for (let i = at; i < end; i++) words[i] = 0;
  let byte = 4 * at;
  let width = widths & WIDTH_MASK;
  putNumber(words, byte, width, a);
  byte += width;
  width = (widths >>> WIDTH_BITS) & WIDTH_MASK;
  putNumber(words, byte, width, b);
  byte += width;
  width = (widths >>> 2 * WIDTH_BITS) & WIDTH_MASK;
  putNumber(words, byte, width, c);
  byte += width;
  width = (widths >>> 3 * WIDTH_BITS) & WIDTH_MASK;
  putNumber(words, byte, width, d);
}

function putNumber(
  words: Int32Array,
  byte: number,
  width: number,
  value: number,
): void {
  if (width > 4) {
    putBytes(words, byte, 4, value | 0);
    putBytes(words, byte + 4, width - 4, highHalf(value));
  } else if (width > 0) {
    putBytes(words, byte, width, value | 0);
  }
}

/** Sets 1 to 4 bytes that are 0. */
function putBytes(
  words: Int32Array,
  byte: number,
  width: number,
  value: number,
): void {
  const at = byte >> 2;
  const shift = (byte & 3) << 3;
  const bits = value & (-1 >>> (32 - 8 * width));
  words[at] |= bits << shift;
  if (shift + 8 * width > 32) words[at + 1] |= bits >>> (32 - shift);
}

/**
 * Reads four numbers.
 *
 * @param words Where they are.
 * @param at The index of their first word.
 * @param widths Their widths.
 * @param into Gets the numbers.
 * @param intoAt The index of the first there.
 */
export function readNumbers(
  words: Int32Array,
  at: number,
  widths: number,
  into: Float64Array,
  intoAt: number,
): void {
  let byte = 4 * at;
  let width = widths & WIDTH_MASK;
  into[intoAt] = takeNumber(words, byte, width);
  byte += width;
  width = (widths >>> WIDTH_BITS) & WIDTH_MASK;
  into[intoAt + 1] = takeNumber(words, byte, width);
  byte += width;
  width = (widths >>> 2 * WIDTH_BITS) & WIDTH_MASK;
  into[intoAt + 2] = takeNumber(words, byte, width);
  byte += width;
  width = (widths >>> 3 * WIDTH_BITS) & WIDTH_MASK;
  into[intoAt + 3] = takeNumber(words, byte, width);
}

function takeNumber(words: Int32Array, byte: number, width: number): number {
  if (width === 0) return 0;
  return width <= 4
    ? takeBytes(words, byte, width)
    : takeBytes(words, byte + 4, width - 4) * 4294967296 +
      (takeBytes(words, byte, 4) >>> 0);
}

/** Reads 1 to 4 bytes as a signed integer. */
function takeBytes(words: Int32Array, byte: number, width: number): number {
  const at = byte >> 2;
  const shift = (byte & 3) << 3;
  const unused = 32 - 8 * width;
  let bits = words[at] >>> shift;
  if (shift > unused) bits |= words[at + 1] << (32 - shift);
  return bits << unused >> unused;
}
