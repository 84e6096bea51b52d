/**
 * User grades as fast-check makes them, with ids that files find hard.
 *
 * @module
 */
import fc from "fast-check";
import type { UserGrade } from "../../src/user_grade.ts";
import { anyCharacter } from "./any_character.ts";

const encoder = new TextEncoder();

/** Ids of any characters that ids may hold, often those that mean something. */
export const ids: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: anyCharacter, minLength: 1, maxLength: 60 }),
  fc.string({
    minLength: 1,
    maxLength: 6,
    unit: fc.constantFrom(..."\",#= ;'a\u00e9\ufeff😀"),
  }),
).filter((id) =>
  // deno-lint-ignore no-control-regex -- ids may not hold them
  !/[\u0000-\u001f\u007f]/.test(id) && encoder.encode(id).length <= 256
);

/** Some whole records; an id may stand there twice. */
export const grades: fc.Arbitrary<UserGrade[]> = fc.array(
  fc.record({
    user_id: ids,
    postpaid_limit: fc.maxSafeInteger().map((n) => n + 0),
    spp: fc.constantFrom(0, 9, 10, -10, 2 ** 53 - 1, 1 - 2 ** 53, 10 ** 15),
    shipping_fee: fc.integer(),
    return_fee: fc.nat(),
  }, { noNullPrototype: true }),
  { maxLength: 30 },
);
