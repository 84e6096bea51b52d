import assert from "node:assert/strict";
import fc from "fast-check";
import { Change, entryText } from "../../src/log/change.ts";
import { SetUnit } from "../../src/replica/unit.ts";
import { ODD_IDS } from "../storage/arbitraries.ts";

Deno.test({
  name: "a set counts for no fewer characters than it takes in an entry",
  permissions: "none",
  fn: () => {
    const number = fc.option(fc.maxSafeInteger(), { nil: undefined });
    const set = fc.record({
      user_id: fc.oneof(
        fc.constantFrom(...ODD_IDS),
        fc.string({ unit: fc.constantFrom('"', "\\", "a", "é"), minLength: 1 }),
      ),
      postpaid_limit: number,
      spp: fc.constantFrom(0, -0, Number.MIN_SAFE_INTEGER),
      shipping_fee: number,
      return_fee: number,
    });
    fc.assert(
      fc.property(set, (value) => {
        const change = Change.set(value);
        const text = entryText([change.change]);
        const { characters } = new SetUnit(change, 0);
        assert.ok(characters >= text.length - "[]".length, text);
      }),
      {
        examples: [[{
          user_id: '"'.repeat(256),
          postpaid_limit: Number.MIN_SAFE_INTEGER,
          spp: Number.MIN_SAFE_INTEGER,
          shipping_fee: Number.MIN_SAFE_INTEGER,
          return_fee: Number.MIN_SAFE_INTEGER,
        }]],
      },
    );
  },
});
