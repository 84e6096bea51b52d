/**
 * Reading the CSV of a backup, or of any file of user grades, in chunks.
 *
 * @module
 */
import { CR, LF } from "./ascii.ts";
import { BackupError } from "./backup_error.ts";
import { concatenate } from "./byte_reader.ts";
import { readFields } from "./csv_fields.ts";
import {
  type CsvLayout,
  isBlank,
  isBlankLine,
  OWN_LAYOUT,
  parseCsvHeader,
} from "./csv_header.ts";
import { readPlainRows } from "./csv_plain_rows.ts";
import { parseRow } from "./csv_row.ts";
import { HEADER_LINE } from "./csv_writer.ts";
import { type ReadRows, RowBuilder } from "./row_builder.ts";
import { visibleText } from "./visible_text.ts";

/** The longest line of a row; a valid one with all in quotes takes 700 bytes. */
const LINE_BYTES_MAX = 4 * 1024;

/** The longest header line: room for the columns of some other table. */
const HEADER_BYTES_MAX = 64 * 1024;

const LINE_END = new Uint8Array([LF]);

/** The most rows of a block that is imported: about an entry's worth. */
export const IMPORT_ROWS_MAX = 1_000;

/**
 * The most rows of a backup's block: so many that some of them share a segment
 * of the table, and no more than are stored without a pause.
 */
const BACKUP_ROWS_MAX = 8_192;

/** Which files are read. */
export type CsvDialect =
  /** Only what `formatRows()` writes, under its own header. */
  | "backup"
  /**
   * What everyday tools write: columns in any order and not all of them, other
   * separators, quotes, blank rows, numbers as JSON has them.
   */
  | "any";

/** Reads rows in chunks: every line is a valid row or an error that names it. */
export class CsvReader {
  /** The number of the line that is read, from 1 for the header. */
  line = 1;
  readonly #builder: RowBuilder;
  #layout: CsvLayout | undefined;
  /** The beginning of a line whose end has not come yet. */
  #rest: Uint8Array = new Uint8Array(0);

  /** @param dialect Which files are read. */
  constructor(private readonly dialect: CsvDialect) {
    const rowsMax = dialect === "backup" ? BACKUP_ROWS_MAX : IMPORT_ROWS_MAX;
    this.#builder = new RowBuilder(rowsMax);
  }

  /** How many rows were read and not taken yet. */
  get gathered(): number {
    return this.#builder.count;
  }

  /**
   * @param chunk The next bytes.
   * @returns The blocks that are full now.
   * @throws {BackupError} At the first line that is not valid; the rows before
   * it can be taken.
   */
  *read(chunk: Uint8Array): Generator<ReadRows> {
    const data = concatenate(this.#rest, chunk);
    const end = data.lastIndexOf(LF) + 1;
    if (end > 0) {
      const lines = data.subarray(0, end);
      let at = this.#layout === undefined ? this.#readHead(lines) : 0;
      while (at < end) {
        at = this.#readRows(lines, at);
        if (this.#builder.isFull) yield this.#builder.take();
      }
    }
    this.#rest = data.slice(end);
    if (this.#layout !== undefined) this.#checkLength(this.#rest);
    else if (this.#rest.length > HEADER_BYTES_MAX) this.#readUnendedHeader();
  }

  /**
   * @returns The last block, if it gets full.
   * @throws {BackupError} If the last line is not valid, or there is no header.
   */
  *finish(): Generator<ReadRows> {
    if (this.#layout === undefined) this.#readUnendedHeader();
    else if (this.#rest.length > 0) yield* this.read(LINE_END);
  }

  /** @returns The rows that were read since the last block. */
  take(): ReadRows {
    return this.#builder.take();
  }

  /**
   * Reads the header and the blank lines before it.
   *
   * @returns Where the first row begins.
   */
  #readHead(lines: Uint8Array): number {
    let at = 0;
    while (this.#layout === undefined && at < lines.length) {
      const end = lines.indexOf(LF, at) + 1;
      const line = lines.subarray(at, end);
      if (this.dialect === "any" && isBlankLine(line)) this.line++;
      else this.#readHeader(line, true);
      at = end;
    }
    return at;
  }

  #readHeader(line: Uint8Array, hasEnd: boolean): void {
    if (this.dialect === "backup") {
      if (!areEqual(line, HEADER_LINE)) {
        throw this.#error("it is not the header of a backup", line);
      }
      this.#layout = OWN_LAYOUT;
    } else {
      const layout = parseCsvHeader(line, hasEnd);
      if (typeof layout === "string") throw this.#error(layout, line);
      this.#layout = layout;
    }
    this.line++;
  }

  #readUnendedHeader(): void {
    this.#readHeader(concatenate(this.#rest, LINE_END), false);
  }

  /**
   * Reads rows until the block is full.
   *
   * @returns Where the first line begins that was not read.
   */
  #readRows(lines: Uint8Array, at: number): number {
    const builder = this.#builder;
    while (at < lines.length && !builder.isFull) {
      const { count } = builder;
      at = readPlainRows(lines, at, this.#layout!, this.line, builder);
      this.line += builder.count - count;
      if (at === lines.length || builder.isFull) break;
      const end = lines.indexOf(LF, at) + 1;
      this.#readRow(lines.subarray(at, end));
      at = end;
    }
    return at;
  }

  /** Reads a row that is not plain. */
  #readRow(line: Uint8Array): void {
    this.#checkLength(line);
    const layout = this.#layout!;
    const fields = readFields(line, layout.separator);
    const row = typeof fields === "string"
      ? fields
      : layout.isExact
      ? "it is not a row as backups have them"
      : isBlank(fields)
      ? undefined
      : parseRow(fields, layout);
    if (typeof row === "string") this.#skipHeader(line, row);
    else if (row !== undefined) {
      this.#builder.add(row.key, row.numbers, this.line);
    }
    this.line++;
  }

  /**
   * Skips a header that comes again, as when files are joined. No header is a
   * valid row: where a number must be, it has a name.
   *
   * @throws {BackupError} If it is none, or one that says something else.
   */
  #skipHeader(line: Uint8Array, fault: string): void {
    const layout = this.#layout!;
    const again = layout.isExact ? undefined : parseCsvHeader(line, true);
    if (typeof again !== "object") throw this.#error(fault, line);
    if (!haveSameRows(again, layout)) {
      throw this.#error(
        "it is a second header, with other columns, another order or another separator than the first: import the files one by one",
        line,
      );
    }
  }

  #checkLength(line: Uint8Array): void {
    if (line.length > LINE_BYTES_MAX) {
      throw this.#error(`it is longer than ${LINE_BYTES_MAX} bytes`, line);
    }
  }

  /** Says what is wrong with a line, and how it begins. */
  #error(fault: string, line: Uint8Array): BackupError {
    const ended = line.subarray(0, line.at(-1) === LF ? -1 : line.length);
    const found = ended.at(-1) === CR ? ended.subarray(0, -1) : ended;
    return new BackupError(
      `Cannot read line ${this.line}: ${fault}${
        found.length > 0 ? `. The line begins ${visibleText(found)}` : ""
      }`,
    );
  }
}

/** Whether rows mean the same under both headers. */
function haveSameRows(a: CsvLayout, b: CsvLayout): boolean {
  return a.separator === b.separator && String(a.columns) === String(b.columns);
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
