/**
 * The storage as it would be written without a care for speed: the model that
 * tests hold the real one against.
 *
 * @module
 */
import type { RowBlock } from "../../src/storage/row_block.ts";
import type { UserGrade, UserGradePatch } from "../../src/user_grade.ts";

/** User grades in a plain `Map`. */
export class Model {
  readonly users = new Map<string, UserGrade>();

  /** Merges a patch. */
  set(patch: UserGradePatch): UserGrade {
    const stored = this.users.get(patch.user_id);
    const pick = (given: number | undefined, kept: number | undefined) => {
      const value = given ?? kept ?? 0;
      return Object.is(value, -0) ? 0 : value;
    };
    const merged = {
      user_id: patch.user_id,
      postpaid_limit: pick(patch.postpaid_limit, stored?.postpaid_limit),
      spp: pick(patch.spp, stored?.spp),
      shipping_fee: pick(patch.shipping_fee, stored?.shipping_fee),
      return_fee: pick(patch.return_fee, stored?.return_fee),
    };
    this.users.set(patch.user_id, merged);
    return merged;
  }

  /** Deletes a user; returns whether there was one. */
  delete(id: string): boolean {
    return this.users.delete(id);
  }

  /** @returns The users as they are now; records are never changed in place. */
  copy(): Map<string, UserGrade> {
    return new Map(this.users);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @returns The records as columns. */
export function toBlock(grades: readonly UserGrade[]): RowBlock {
  const ids = grades.map((grade) => encoder.encode(grade.user_id));
  const keys = new Uint8Array(ids.reduce((sum, id) => sum + id.length, 0));
  const keyEnds = new Uint32Array(grades.length);
  let end = 0;
  ids.forEach((id, row) => {
    keys.set(id, end);
    end += id.length;
    keyEnds[row] = end;
  });
  const numbers = Float64Array.from(
    grades.flatMap((
      grade,
    ) => [
      grade.postpaid_limit,
      grade.spp,
      grade.shipping_fee,
      grade.return_fee,
    ]),
  );
  return { count: grades.length, keys, keyEnds, numbers };
}

/** @returns The records of a block. */
export function fromBlock(rows: RowBlock): UserGrade[] {
  return Array.from({ length: rows.count }, (_, row) => {
    const start = row === 0 ? 0 : rows.keyEnds[row - 1];
    return {
      user_id: decoder.decode(rows.keys.subarray(start, rows.keyEnds[row])),
      postpaid_limit: rows.numbers[4 * row],
      spp: rows.numbers[4 * row + 1],
      shipping_fee: rows.numbers[4 * row + 2],
      return_fee: rows.numbers[4 * row + 3],
    };
  });
}
