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

/**
 * Ids that decoders, quoting and objects used as maps get wrong, few enough
 * that histories meet the same user again.
 */
export const ODD_IDS: readonly string[] = [
  ...["a", "b", "aa", "aaa", "aaaa", "aaaab", "A", " ", "user-1234567"],
  ...['"', "\\", ",", "#", "'", "__proto__", "constructor", "0", "-0"],
  ...["é", "e\u0301", "日本", "𝄞", "\u0080", "\u2028", "\uffff"],
  // A byte order mark, alone and at each place, and what stands for bad bytes.
  ...["\ufeff", "\ufeffa", "a\ufeffa", "a\ufeff", "\ufeff\ufeff", "\ufffd"],
  // What CSV has to quote, or a reader may take for something else.
  ...['""', 'a"b', ",a", "#a", "a#", " a ", "=1+1", "user_id", "null", "1e3"],
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

/** What no path may let in: an id that is empty, too long or not Unicode. */
export const IMPOSSIBLE_IDS: readonly string[] = [
  ...["", "\ud800", "a\udfff", "\udc00\ud800", "a\0", "a\n", "\u007f"],
  ...["x".repeat(257), "𝄞".repeat(64) + "a", "日".repeat(86)],
];
