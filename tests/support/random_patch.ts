/**
 * Random sets.
 *
 * @module
 */
import { NUMBER_FIELDS, type UserGradePatch } from "../../src/user_grade.ts";
import type { Random } from "./random.ts";

/** @returns A patch of some of a user's fields, the numbers small, large or 0. */
export function randomPatch(random: Random, user_id: string): UserGradePatch {
  const patch: UserGradePatch = { user_id };
  for (const field of NUMBER_FIELDS) {
    if (random.below(2) === 0) continue;
    patch[field] = random.pick([
      0,
      random.below(1000),
      0 - random.below(1000),
      2 ** 31 + random.below(1000),
      -Number.MAX_SAFE_INTEGER,
    ]);
  }
  return patch;
}
