/**
 * Writing the CSV of a backup (RFC 4180), straight from columns of bytes.
 *
 * A backup has millions of rows, and a string and an array for each would cost
 * more than all the rest of writing it.
 *
 * @module
 */
import type { RowBlock } from "../../storage/row_block.ts";
import { NUMBER_FIELDS, USER_ID_BYTES_MAX } from "../../user_grade.ts";

const encoder = new TextEncoder();

const HEADER = ["user_id", ...NUMBER_FIELDS].join(",");

/** The header line of every backup, with its end. */
export const HEADER_LINE: Uint8Array<ArrayBuffer> = encoder.encode(
  HEADER + "\r\n",
);

/** The longest line: a key of quotes, doubled and quoted, and four numbers. */
const LINE_BYTES_MAX = 2 * USER_ID_BYTES_MAX + 2 + 4 * 20 + 2;

const INT32_MAX = 2 ** 31 - 1;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const HASH = 0x23;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;

/** Where lines are written before their length is known; reused. */
let scratch = new Uint8Array(0);

/**
 * @param rows Valid rows.
 * @returns Their lines, with CRLF.
 */
export function formatRows(rows: RowBlock): Uint8Array<ArrayBuffer> {
  const { count, keys, keyEnds, numbers } = rows;
  const bytesMax = 2 * keys.length +
    count * (LINE_BYTES_MAX - 2 * USER_ID_BYTES_MAX);
  if (scratch.length < bytesMax) scratch = new Uint8Array(bytesMax);
  const out = scratch;
  let at = 0;
  let start = 0;
  for (let row = 0; row < count; row++) {
    const end = keyEnds[row];
    at = writeKey(out, at, keys, start, end);
    start = end;
    for (let column = 0; column < 4; column++) {
      out[at++] = COMMA;
      at = writeInteger(out, at, numbers[4 * row + column]);
    }
    out[at++] = CR;
    out[at++] = LF;
  }
  return out.slice(0, at);
}

/** Writes a key, quoted if it has to be; returns the index after it. */
function writeKey(
  out: Uint8Array,
  at: number,
  keys: Uint8Array,
  start: number,
  end: number,
): number {
  // A # at the beginning is a comment to some readers.
  let quoted = keys[start] === HASH;
  for (let i = start; i < end && !quoted; i++) {
    quoted = keys[i] === COMMA || keys[i] === QUOTE;
  }
  if (!quoted) {
    for (let i = start; i < end; i++) out[at++] = keys[i];
    return at;
  }
  out[at++] = QUOTE;
  for (let i = start; i < end; i++) {
    if (keys[i] === QUOTE) out[at++] = QUOTE;
    out[at++] = keys[i];
  }
  out[at++] = QUOTE;
  return at;
}

/** Writes a safe integer; returns the index after it. */
function writeInteger(out: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    out[at++] = MINUS;
    value = -value;
  }
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  let i = at + digits - 1;
  for (; value > INT32_MAX; i--) {
    const rest = Math.floor(value / 10);
    out[i] = ZERO + (value - 10 * rest);
    value = rest;
  }
  // Most are small, and integers are faster.
  for (let small = value | 0; i >= at; i--) {
    const rest = (small / 10) | 0;
    out[i] = ZERO + (small - 10 * rest);
    small = rest;
  }
  return at + digits;
}
