/**
 * Rows of a snapshot as columns of a SQLite table. SQLite has no check sums, so
 * whatever a damaged disk may give back is refused here.
 *
 * @module
 */
import type { RowBlock } from "../../storage/row_block.ts";
import { USER_ID_BYTES_MAX } from "../../user_grade.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** @returns The values of the columns `keys`, `key_ends` and `numbers`. */
export function encodeRows(
  { keys, keyEnds, numbers }: RowBlock,
): [keys: Bytes, keyEnds: Bytes, numbers: Bytes] {
  return [keys, bytesOf(keyEnds), bytesOf(numbers)];
}

function bytesOf(
  { buffer, byteOffset, byteLength }:
    | Uint32Array<ArrayBuffer>
    | Float64Array<ArrayBuffer>,
): Bytes {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * @param row The three columns.
 * @returns The rows; undefined if they can't be what {@linkcode encodeRows}
 * made. Wrong keys and integers pass: the digest shows them.
 */
export function decodeRows(row: Record<string, unknown>): RowBlock | undefined {
  const { keys, key_ends, numbers: cells } = row as Record<string, Bytes>;
  const count = key_ends.length / Uint32Array.BYTES_PER_ELEMENT;
  if (
    !Number.isInteger(count) ||
    cells.length !== 4 * count * Float64Array.BYTES_PER_ELEMENT
  ) return undefined;
  // Copies, since columns may begin at any byte.
  const keyEnds = new Uint32Array(key_ends.slice().buffer);
  const numbers = new Float64Array(cells.slice().buffer);
  const areWhole = areKeyEnds(keyEnds, keys.length) && areIntegers(numbers);
  return areWhole ? { count, keys, keyEnds, numbers } : undefined;
}

function areKeyEnds(keyEnds: Uint32Array, keyBytes: number): boolean {
  let start = 0;
  for (const end of keyEnds) {
    if (end <= start || end - start > USER_ID_BYTES_MAX) return false;
    start = end;
  }
  return start === keyBytes;
}

/** A loop, since `every()` takes ten times as long. */
function areIntegers(numbers: Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) {
    if (!Number.isSafeInteger(numbers[i])) return false;
  }
  return true;
}
