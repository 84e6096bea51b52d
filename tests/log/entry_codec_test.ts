import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeEntry,
  encodeEntry,
  entryText,
  InvalidEntryError,
  patchText,
} from "../../src/log/entry_codec.ts";
import { parsePatch } from "../../src/user_grade.ts";

const permissions = "none";

const patches = fc.array(
  fc.record({
    user_id: fc.string({ unit: "binary", minLength: 1, maxLength: 60 })
      // deno-lint-ignore no-control-regex -- ids may not hold them
      .filter((id) => !/[\u0000-\u001f\u007f]/.test(id)),
    postpaid_limit: fc.maxSafeInteger(),
    spp: fc.maxSafeInteger(),
    shipping_fee: fc.integer(),
    return_fee: fc.constantFrom(0, -1, 2 ** 31),
  }, { requiredKeys: ["user_id"] }),
  { minLength: 1, maxLength: 20 },
);

Deno.test({
  name: "decodeEntry() gives back what encodeEntry() took",
  permissions,
  fn: () => {
    fc.assert(fc.property(patches, (values) => {
      const texts = values.map((value) => patchText(parsePatch(value)));
      assert.deepEqual(
        decodeEntry(encodeEntry(entryText(texts))),
        values.map((value) => ({ ...value })),
      );
    }));
  },
});

Deno.test({
  name:
    "decodeEntry() refuses an entry as a whole when any part of it is wrong",
  permissions,
  fn: () => {
    const good = '{"user_id":"a"}';
    for (
      const text of [
        "",
        "[",
        "[]",
        "null",
        good,
        "[1]",
        "[[]]",
        `[${good},{}]`,
        `[${good},{"user_id":"b","spp":null}]`,
        `[{"user_id":"b","x":1},${good}]`,
        `[${good}]]`,
      ]
    ) {
      assert.throws(
        () => decodeEntry(new TextEncoder().encode(text)),
        InvalidEntryError,
        text,
      );
    }
    assert.throws(
      () => decodeEntry(new Uint8Array([0x5b, 0xff, 0x5d])),
      InvalidEntryError,
    );
  },
});

Deno.test({
  name: "decodeEntry() throws nothing but InvalidEntryError on arbitrary bytes",
  permissions,
  fn: () => {
    fc.assert(fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json().map((text) => new TextEncoder().encode(text)),
      ),
      (bytes) => {
        try {
          assert.ok(decodeEntry(bytes).length > 0);
        } catch (error) {
          assert.ok(error instanceof InvalidEntryError);
        }
      },
    ));
  },
});
