import { NUMBER_FIELDS, type UserGradePatch } from "../../user_grade.ts";
import type { ReadRows } from "./row_builder.ts";

/** Ids are taken byte for byte: a byte order mark is a character of the id. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param rows Rows as an import reads them: `NaN` is a number that is not given.
 * @param row Which of them.
 * @returns The row as a partial user grade.
 */
export function patchOf(
  { keys, keyEnds, numbers }: ReadRows,
  row: number,
): UserGradePatch {
  const start = row === 0 ? 0 : keyEnds[row - 1];
  const patch: UserGradePatch = {
    user_id: decoder.decode(keys.subarray(start, keyEnds[row])),
  };
  for (const [i, field] of NUMBER_FIELDS.entries()) {
    const number = numbers[4 * row + i];
    if (!Number.isNaN(number)) patch[field] = number;
  }
  return patch;
}
