/**
 * The CSV of a backup (RFC 4180), straight from and into columns of bytes.
 *
 * A backup has millions of rows, and a string and an array for each would cost
 * more than all the rest of writing or reading it: a CSV library reads 1.3
 * million rows a second, which leaves nothing of what a restore may take.
 *
 * @module
 */
import type { RowBatch } from "../storage/row_batch.ts";
import { NUMBER_FIELDS, USER_ID_BYTES_MAX } from "../user_grade.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const HEADER = ["user_id", ...NUMBER_FIELDS].join(",");

/** The header line of every backup, with its end. */
export const HEADER_LINE: Uint8Array<ArrayBuffer> = encoder.encode(
  HEADER + "\r\n",
);

/** The longest line: a key of quotes, doubled and quoted, and four numbers. */
const LINE_BYTES_MAX = 2 * USER_ID_BYTES_MAX + 2 + 4 * 20 + 2;

/** The shortest line, `a,0,0,0,0` and its end: bounds the rows of some bytes. */
const LINE_BYTES_MIN = 10;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const HASH = 0x23;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const DELETE = 0x7f;

/** A backup is not what it must be. */
export class BackupError extends Error {
  override name = "BackupError";
}

/**
 * @param rows Valid rows.
 * @returns Their lines, with CRLF.
 */
export function formatRows(rows: RowBatch): Uint8Array<ArrayBuffer> {
  const { count, keys, keyEnds, numbers } = rows;
  const out = new Uint8Array(
    2 * keys.length + count * (LINE_BYTES_MAX - 2 * USER_ID_BYTES_MAX),
  );
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
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(value / 10);
    out[i] = ZERO + (value - 10 * rest);
    value = rest;
  }
  return at + digits;
}

/**
 * Reads a backup's CSV in chunks, strictly: every line is a valid row or an
 * error that names it. LF is taken for CRLF, and any field may be quoted.
 */
export class CsvReader {
  /** The number of the line that is read, from 1 for the header. */
  line = 1;
  #headerRead = false;
  /** The beginning of a line whose end has not come yet. */
  #rest: Uint8Array = new Uint8Array(0);

  /**
   * @param chunk The next bytes.
   * @returns The rows of the lines that are whole now.
   * @throws {BackupError} At the first line that is no valid row.
   */
  read(chunk: Uint8Array): RowBatch {
    let data = chunk;
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + chunk.length);
      data.set(this.#rest);
      data.set(chunk, this.#rest.length);
    }
    const end = data.lastIndexOf(LF) + 1;
    this.#rest = data.slice(end);
    const rows = this.#readLines(data.subarray(0, end));
    if (this.#rest.length > LINE_BYTES_MAX) {
      throw this.#error("it is longer than any row can be");
    }
    return rows;
  }

  /**
   * @returns The last row, if its line has no end.
   * @throws {BackupError} If that is no valid row, or there was no header.
   */
  finish(): RowBatch {
    if (this.#rest.length === 0) {
      if (!this.#headerRead) throw this.#error("the header is missing");
      return this.#readLines(new Uint8Array(0));
    }
    return this.read(new Uint8Array([LF]));
  }

  #readLines(data: Uint8Array): RowBatch {
    let at = this.#headerRead || data.length === 0 ? 0 : this.#readHeader(data);
    const rowsMax = Math.ceil((data.length - at) / LINE_BYTES_MIN);
    const keys = new Uint8Array(data.length - at);
    const keyEnds = new Uint32Array(rowsMax);
    const numbers = new Float64Array(4 * rowsMax);
    let count = 0;
    let keyEnd = 0;
    while (at < data.length) {
      const keyStart = keyEnd;
      const quoted = data[at] === QUOTE;
      if (quoted) at++;
      let ascii = true;
      for (;;) {
        const byte = data[at++];
        if (byte === QUOTE) {
          if (!quoted) {
            throw this.#error("user_id holds a quote but is not quoted");
          }
          if (data[at] !== QUOTE) break;
          at++;
        } else if (byte === COMMA && !quoted) {
          at--;
          break;
        } else if (byte < 0x20 || byte === DELETE) {
          throw this.#error(
            byte === LF || byte === CR
              ? "it has less than five fields"
              : "user_id holds a control character",
          );
        } else if (byte > DELETE) ascii = false;
        keys[keyEnd++] = byte;
      }
      if (data[at++] !== COMMA) {
        throw this.#error("user_id is not followed by a comma");
      }
      this.#checkKey(keys, keyStart, keyEnd, ascii);
      for (let column = 0; column < 4; column++) {
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
        if (digits === 0 || digits > 16 || value > Number.MAX_SAFE_INTEGER) {
          throw this.#error(`${NUMBER_FIELDS[column]} is not a safe integer`);
        }
        if (quoted && data[at++] !== QUOTE) {
          throw this.#error(`${NUMBER_FIELDS[column]} has no closing quote`);
        }
        if (column < 3 ? data[at++] !== COMMA : !isLineEnd(data, at)) {
          throw this.#error(
            column < 3 && (data[at - 1] === CR || data[at - 1] === LF)
              ? "it has less than five fields"
              : column === 3 && data[at] === COMMA
              ? "it has more than five fields"
              : `${NUMBER_FIELDS[column]} is not an integer`,
          );
        }
        numbers[4 * count + column] = negative ? 0 - value : value;
      }
      at += data[at] === CR ? 2 : 1;
      keyEnds[count++] = keyEnd;
      this.line++;
    }
    return { count, keys, keyEnds, numbers };
  }

  #readHeader(data: Uint8Array): number {
    const end = data.indexOf(LF);
    // Spreadsheets begin a file with a byte order mark.
    const line = new TextDecoder().decode(data.subarray(0, end))
      .replace(/\r$/, "");
    if (line !== HEADER) throw this.#error(`the header is not ${HEADER}`);
    this.#headerRead = true;
    this.line++;
    return end + 1;
  }

  #checkKey(
    keys: Uint8Array,
    start: number,
    end: number,
    ascii: boolean,
  ): void {
    if (end === start) throw this.#error("user_id is empty");
    if (end - start > USER_ID_BYTES_MAX) {
      throw this.#error(
        `user_id is longer than ${USER_ID_BYTES_MAX} bytes of UTF-8`,
      );
    }
    if (ascii) return;
    try {
      decoder.decode(keys.subarray(start, end));
    } catch {
      throw this.#error("user_id is not UTF-8");
    }
  }

  #error(reason: string): BackupError {
    return new BackupError(`Cannot read line ${this.line}: ${reason}`);
  }
}

function isLineEnd(data: Uint8Array, at: number): boolean {
  return data[at] === LF || (data[at] === CR && data[at + 1] === LF);
}
