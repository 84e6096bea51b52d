/**
 * The hot path of reading CSV: rows as nearly all programs write them, straight
 * into columns of bytes, without a string or an array per row. It reads 4
 * million rows a second; a CSV library reads 1.3 million, which is too slow for
 * a restore.
 *
 * @module
 */
import { USER_ID_BYTES_MAX } from "../../user_grade.ts";
import { type CsvLayout, USER_ID } from "./csv_header.ts";
import type { RowBuilder } from "./row_builder.ts";
import { isUtf8 } from "./utf8.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const DELETE = 0x7f;

/** Instead of a place: the field is not plain. */
const NOT_PLAIN = -1;

/** More digits than this may be beyond what a number holds exactly. */
const DIGITS_MAX = 16;

/**
 * Reads rows until the data ends, the block is full, or a row is not plain: its
 * user id is not valid, or a number is more than digits and zeros behind a
 * point.
 *
 * @param data Lines, each with its end.
 * @param at Where the first begins.
 * @param layout What they hold.
 * @param line The number of the first line.
 * @param rows Where the rows go, one of each line.
 * @returns Where the row begins that was not read; the data's length if there
 * is none.
 */
export function readPlainRows(
  data: Uint8Array,
  at: number,
  { separator, columns, isExact }: CsvLayout,
  line: number,
  rows: RowBuilder,
): number {
  const last = columns.length - 1;
  while (at < data.length && !rows.isFull) {
    const rowAt = at;
    for (let i = 0; i <= last; i++) {
      // A column without a name is empty, and nothing is read of it.
      if (columns[i] >= 0) {
        at = readNumber(data, at, isExact, rows, columns[i]);
      } else if (columns[i] === USER_ID) {
        at = readKey(data, at, separator, rows);
      }
      if (at === NOT_PLAIN) return rowAt;
      if (i < last && data[at++] !== separator) return rowAt;
    }
    if (data[at] === CR) at++;
    if (data[at++] !== LF) return rowAt;
    rows.lines[rows.count++] = line++;
  }
  return at;
}

/**
 * Reads a field into the keys of the next row.
 *
 * @returns Where it ends, or {@linkcode NOT_PLAIN}.
 */
function readKey(
  data: Uint8Array,
  at: number,
  separator: number,
  rows: RowBuilder,
): number {
  const { keys, keyEnd: start } = rows;
  const quoted = data[at] === QUOTE;
  if (quoted) at++;
  let end = start;
  let ascii = true;
  for (;; at++) {
    const byte = data[at];
    if (byte === QUOTE) {
      if (!quoted) return NOT_PLAIN;
      if (data[++at] !== QUOTE) break;
    } else if (byte === separator && !quoted) {
      break;
    } else if (byte < SPACE || byte === DELETE) {
      // The id may be the last column.
      if (quoted || (byte !== LF && byte !== CR)) return NOT_PLAIN;
      break;
    } else if (byte > DELETE) ascii = false;
    if (end - start === USER_ID_BYTES_MAX) return NOT_PLAIN;
    keys[end++] = byte;
  }
  if (end === start) return NOT_PLAIN;
  if (!ascii && !isUtf8(keys.subarray(start, end))) return NOT_PLAIN;
  rows.keyEnds[rows.count] = end;
  return at;
}

/**
 * Reads a field into a number of the next row, unless it is empty.
 *
 * @returns Where it ends, or {@linkcode NOT_PLAIN}.
 */
function readNumber(
  data: Uint8Array,
  at: number,
  isExact: boolean,
  rows: RowBuilder,
  column: number,
): number {
  const quoted = data[at] === QUOTE;
  if (quoted) at++;
  const negative = data[at] === MINUS;
  if (negative) at++;
  const digitsAt = at;
  let value = 0;
  for (let digit; (digit = data[at] - ZERO) >= 0 && digit <= 9; at++) {
    value = 10 * value + digit;
  }
  const digits = at - digitsAt;
  // Beyond 2^53 a sum may be rounded, but not to below it.
  if (digits > DIGITS_MAX || value > Number.MAX_SAFE_INTEGER) return NOT_PLAIN;
  if (digits > 0) {
    if (digits > 1 && data[digitsAt] === ZERO) return NOT_PLAIN;
    if (data[at] === DOT) {
      if (isExact || data[++at] !== ZERO) return NOT_PLAIN;
      while (data[at] === ZERO) at++;
    }
    rows.numbers[4 * rows.count + column] = negative ? 0 - value : value;
  } else if (negative || isExact) return NOT_PLAIN;
  return quoted && data[at++] !== QUOTE ? NOT_PLAIN : at;
}
