/**
 * One unusual row of a CSV file: what it says, or what is wrong with it.
 *
 * @module
 */
import { integerFromText } from "../../integer_text.ts";
import { NUMBER_FIELDS, USER_ID_BYTES_MAX } from "../../user_grade.ts";
import { CR, DELETE, LF, SPACE } from "./ascii.ts";
import { type CsvLayout, UNNAMED, USER_ID } from "./csv_header.ts";
import { isUtf8 } from "./utf8.ts";
import { visibleText } from "./visible_text.ts";

/** What a row says. */
export interface CsvRow {
  readonly key: Uint8Array;
  /** The four numbers; `NaN` for one that is not given. */
  readonly numbers: readonly number[];
}

/**
 * @param fields The fields of a row that is not blank.
 * @param layout What they hold.
 * @returns The row, or what is wrong with it.
 */
export function parseRow(
  fields: readonly Uint8Array[],
  { columns }: CsvLayout,
): CsvRow | string {
  const missing = columns.slice(fields.length);
  if (
    fields.length > columns.length ||
    // Excel leaves out empty cells at the end of some rows.
    missing.some((column) => column !== UNNAMED)
  ) {
    return `it has ${fields.length} fields, and the header ${columns.length}`;
  }
  let key = fields[0];
  const numbers = [NaN, NaN, NaN, NaN];
  for (const [i, field] of fields.entries()) {
    const column = columns[i];
    if (column === USER_ID) {
      const fault = keyFault(field);
      if (fault !== undefined) return `user_id ${fault}`;
      key = field;
    } else if (field.length > 0) {
      if (column === UNNAMED) return unnamed(i, field);
      const value = integerFromText(String.fromCharCode(...field));
      if (value === undefined) {
        return `${
          NUMBER_FIELDS[column]
        } must be an integer from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}, or empty to stay as it is, and is ${
          visibleText(field)
        }`;
      }
      numbers[column] = value;
    }
  }
  return { key, numbers };
}

function unnamed(index: number, field: Uint8Array): string {
  return `column ${index + 1} has no name in the header, and holds ${
    visibleText(field)
  }: leave it out (row numbers: pandas index=False, R row.names = FALSE)`;
}

/** What is wrong with a user id; undefined if nothing is. */
function keyFault(key: Uint8Array): string | undefined {
  if (key.length === 0) return "is empty";
  if (key.includes(LF) || key.includes(CR)) {
    return "holds a line break, which no id may";
  }
  if (key.some((byte) => byte < SPACE || byte === DELETE)) {
    return "holds a control character, which no id may";
  }
  if (!isUtf8(key)) return "is not UTF-8: save the file as UTF-8";
  return key.length > USER_ID_BYTES_MAX
    ? `is longer than ${USER_ID_BYTES_MAX} bytes of UTF-8`
    : undefined;
}
