/**
 * The header line of a CSV file: which columns it has, in which order, and
 * what stands between them.
 *
 * @module
 */
import { NUMBER_FIELDS } from "../../user_grade.ts";
import { CR } from "./ascii.ts";
import { readFields } from "./csv_fields.ts";
import { foreignFormat } from "./foreign_format.ts";
import { visibleText } from "./visible_text.ts";

/** The place of `user_id` in {@linkcode CsvLayout.columns}. */
export const USER_ID = -1;

/** A place in {@linkcode CsvLayout.columns} that has no name and holds nothing. */
export const UNNAMED = -2;

/** How the rows of a file are laid out. */
export interface CsvLayout {
  /** The byte between two fields. */
  readonly separator: number;
  /**
   * What each column holds: {@linkcode USER_ID}, the number's index in the
   * contract's order, or {@linkcode UNNAMED}. Invariant: none but `UNNAMED`
   * twice, `USER_ID` and a number at least.
   */
  readonly columns: readonly number[];
  /** Whether numbers are digits and none is left out, as in a backup. */
  readonly isExact: boolean;
}

const SEPARATORS = [",", ";", "\t"].map((text) => text.charCodeAt(0));

const NAMES: readonly string[] = ["user_id", ...NUMBER_FIELDS];

/** The layout of a backup. */
export const OWN_LAYOUT: CsvLayout = {
  separator: SEPARATORS[0],
  columns: NAMES.map((_, i) => i - 1),
  isExact: true,
};

const WANTED = `a header line with user_id and at least one of ${
  NUMBER_FIELDS.join(", ")
}, separated by comma, semicolon or tab`;

const CR_ALONE = "its lines end with CR alone: save it with LF or CRLF";

const ONE_LINE =
  "the file has no line break: curl -d and --data take them out, use --data-binary @FILE";

/**
 * @param line The first line of a file, with LF at its end.
 * @param hasEnd Whether the file has that LF.
 * @returns Its layout, or why it has none.
 */
export function parseCsvHeader(
  line: Uint8Array,
  hasEnd: boolean,
): CsvLayout | string {
  const foreign = foreignFormat(line);
  if (foreign !== undefined) return foreign;
  const text = withoutMark(line);
  const layout = readLayout(text);
  if (typeof layout !== "string") return layout;
  if (text.subarray(0, -2).includes(CR)) return `${layout}; ${CR_ALONE}`;
  return hasEnd || text.length === 1 ? layout : `${layout}; ${ONE_LINE}`;
}

/**
 * @param line A line before the header, with LF at its end.
 * @returns Whether it is blank or has separators only.
 */
export function isBlankLine(line: Uint8Array): boolean {
  const text = withoutMark(line);
  const fields = readFields(text, separatorOf(text));
  return typeof fields !== "string" && isBlank(fields);
}

/** Whether a row holds nothing. */
export function isBlank(fields: readonly Uint8Array[]): boolean {
  return fields.every((field) => field.length === 0);
}

/** Takes away a byte order mark. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  const has = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return has ? bytes.subarray(3) : bytes;
}

function readLayout(line: Uint8Array): CsvLayout | string {
  if (isBlankLine(line)) {
    return `the header is missing: the file begins with ${WANTED}`;
  }
  const separator = separatorOf(line);
  const fields = readFields(line, separator);
  if (typeof fields === "string") return `in the header ${fields}`;
  const columns: number[] = [];
  for (const field of fields) {
    if (field.length === 0) {
      columns.push(UNNAMED);
      continue;
    }
    const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(field);
    const column = NAMES.indexOf(name.toLowerCase());
    if (column === -1) {
      return `the header has the unknown column ${
        visibleText(field)
      }: the file begins with ${WANTED}`;
    }
    if (columns.includes(column - 1)) {
      return `the header has the column ${NAMES[column]} twice`;
    }
    columns.push(column - 1);
  }
  if (!columns.includes(USER_ID)) {
    return "the header has no column user_id";
  }
  return columns.some((column) => column >= 0)
    ? { separator, columns, isExact: false }
    : `the header has no column but user_id: it needs at least one of ${
      NUMBER_FIELDS.join(", ")
    }`;
}

/** The first byte that may separate fields; a comma if there is none. */
function separatorOf(line: Uint8Array): number {
  return line.find((byte) => SEPARATORS.includes(byte)) ?? SEPARATORS[0];
}
