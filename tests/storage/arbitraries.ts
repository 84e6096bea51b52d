/**
 * What property tests of the storage draw from.
 *
 * @module
 */
import fc from "fast-check";
import type { UserGradePatch } from "../../src/user_grade.ts";

/** Safe integers, mostly those at which a number takes more room. */
export const number: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(
    ...[0, 31, 32, 53].flatMap((bits) =>
      [-1, 0, 1].flatMap((by) => [2 ** bits + by, -(2 ** bits) + by])
    ).filter(Number.isSafeInteger),
    ...[0, -0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  ),
  fc.integer({ min: -1000, max: 1000 }),
  fc.maxSafeInteger(),
);

/** A few odd ids, so that histories meet the same user again. */
export const ODD_IDS: readonly string[] = [
  ...["a", "b", "aa", "aaa", "aaaa", "aaaab", "A", " ", "user-1234567"],
  ...['"', "\\", ",", "#", "'", "__proto__", "constructor", "0", "-0"],
  ...["é", "e\u0301", "日本", "𝄞", "\u0080", "\u2028", "\ufeff", "\uffff"],
  ...["x".repeat(256), "x".repeat(255), "𝄞".repeat(64), "日".repeat(85)],
];

/** @returns Whole and partial records of these users. */
export function patchOf(ids: readonly string[]): fc.Arbitrary<UserGradePatch> {
  return fc.record(
    {
      user_id: fc.constantFrom(...ids),
      postpaid_limit: number,
      spp: number,
      shipping_fee: number,
      return_fee: number,
    },
    { requiredKeys: ["user_id"] },
  );
}
