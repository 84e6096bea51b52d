import { NUMBER_FIELDS, type UserGradePatch } from "../../user_grade.ts";
import type { RowBlock } from "../../storage/row_block.ts";

/** Ids are taken byte for byte: a byte order mark is a character of the id. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @returns The id of a row. */
export function idOf({ keys, keyEnds }: RowBlock, row: number): string {
  const start = row === 0 ? 0 : keyEnds[row - 1];
  return decoder.decode(keys.subarray(start, keyEnds[row]));
}

/**
 * @param rows Rows as an import reads them: `NaN` is a number that is not given.
 * @param row Which of them.
 * @returns The row as a partial user grade.
 */
export function patchOf(rows: RowBlock, row: number): UserGradePatch {
  const patch: UserGradePatch = { user_id: idOf(rows, row) };
  for (const [i, field] of NUMBER_FIELDS.entries()) {
    const number = rows.numbers[4 * row + i];
    if (!Number.isNaN(number)) patch[field] = number;
  }
  return patch;
}
