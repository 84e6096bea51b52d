/**
 * The bytes that have a meaning in a CSV file. The hot paths, `csv_plain_rows.ts`
 * and `csv_writer.ts`, define their own: importing them costs 10 to 15 % of the
 * speed.
 *
 * @module
 */

/** Ends a line, behind {@linkcode CR} or alone. */
export const LF = 0x0a;
/** Carriage return. */
export const CR = 0x0d;
/** The first byte that may stand in a user id. */
export const SPACE = 0x20;
/** Around a field, and doubled within it. */
export const QUOTE = 0x22;
/** The one control character behind {@linkcode SPACE}. */
export const DELETE = 0x7f;
