import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Change,
  decodeEntry,
  entryText,
  InvalidEntryError,
  isDeletion,
} from "../../src/log/change.ts";
import { encodeEntry } from "../../src/log/entry_payload.ts";
import { NUMBER_FIELDS, type UserGradePatch } from "../../src/user_grade.ts";
import { InvalidUserGradeError } from "../../src/user_grade_schema.ts";
import { IMPOSSIBLE_IDS, number, ODD_IDS } from "../storage/arbitraries.ts";
import { anyCharacter } from "../support/any_character.ts";

const permissions = "none";

const id = fc.oneof(
  fc.constantFrom(...ODD_IDS, ...IMPOSSIBLE_IDS),
  fc.string({ unit: anyCharacter, maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);

/** Partial user grades and what is nearly one, as a caller may hold them. */
const candidate = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      user_id: id,
      postpaid_limit: number,
      spp: fc.oneof(number, fc.constant(undefined)),
      shipping_fee: fc.oneof(
        { weight: 9, arbitrary: number },
        fc.constantFrom(0.5, NaN, 2 ** 53, "1", null),
      ),
      return_fee: number,
    }, { requiredKeys: ["user_id"] }),
  },
  fc.json({ maxDepth: 1 }).map((text) => JSON.parse(text)),
  fc.constantFrom(
    JSON.parse('{"user_id":"a","__proto__":{"spp":1}}'),
    Object.create({ user_id: "inherited", spp: 1 }),
    { user_id: "a", toJSON: () => ({ user_id: "b" }) },
  ),
);

Deno.test({
  name: "what passes the gate decodes to exactly what its proposer applies",
  permissions,
  fn: () => {
    let passed = 0;
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 20 }), (values) => {
        const changes: Change[] = [];
        for (const value of values) {
          try {
            changes.push(Change.set(value));
          } catch (error) {
            assert.ok(error instanceof InvalidUserGradeError);
          }
        }
        if (changes.length === 0) return;
        passed += changes.length;
        const decoded = decodeEntry(
          encodeEntry(entryText(changes.map(({ change }) => change))),
        );
        assert.equal(decoded.length, changes.length);
        decoded.forEach((patch, i) => {
          for (const field of ["user_id", ...NUMBER_FIELDS] as const) {
            // `Object.is`, since 0 and -0 are two numbers.
            const held = changes[i].change as UserGradePatch;
            assert.ok(Object.is(patch[field], held[field]), field);
          }
          assert.deepEqual(Change.set(patch), changes[i]);
        });
      }),
      { numRuns: 1000 },
    );
    assert.ok(passed > 1000);
  },
});

Deno.test({
  name: "the gate takes every odd id, and none that is impossible",
  permissions,
  fn: () => {
    for (const user_id of ODD_IDS) {
      assert.equal(Change.set({ user_id }).change.user_id, user_id);
    }
    for (const user_id of IMPOSSIBLE_IDS) {
      assert.throws(() => Change.set({ user_id }), InvalidUserGradeError);
    }
  },
});

Deno.test({
  name:
    "a change stays what it was when the value that it was made of is altered",
  permissions,
  fn: () => {
    const value = { user_id: "a", spp: 1 };
    const change = Change.set(value);
    value.user_id = "b";
    assert.equal(change.change.user_id, "a");
  },
});

/** Values that are deletions, nearly deletions, or nothing of the kind. */
const deletion = fc.oneof(
  id.map((user_id) => ({ user_id })),
  id.map((user_id) => ({ user_id, deleted: true })),
  fc.constantFrom(
    ...[null, 1, "a", [], {}, { user_id: 1 }, { user_id: "a", spp: 1 }],
    JSON.parse('{"user_id":"a","__proto__":1}'),
  ),
);

Deno.test({
  name:
    "a deletion that passes the gate decodes to exactly what its proposer applies, beside sets",
  permissions,
  fn: () => {
    let passed = 0;
    fc.assert(
      fc.property(
        fc.array(fc.oneof(candidate, deletion), { maxLength: 20 }),
        (values) => {
          const changes = values.flatMap((value) =>
            [Change.set, Change.delete].flatMap((gate) => {
              try {
                return gate(value);
              } catch (error) {
                assert.ok(error instanceof InvalidUserGradeError);
                return [];
              }
            })
          );
          if (changes.length === 0) return;
          const payload = encodeEntry(
            entryText(changes.map(({ change }) => change)),
          );
          const version = changes.some((one) => one.version === 2) ? 2 : 1;
          const decoded = decodeEntry(payload, version);
          assert.deepEqual(
            JSON.stringify(decoded),
            JSON.stringify(changes.map(({ change }) => change)),
          );
          passed += decoded.filter(isDeletion).length;
          if (version === 1) assert.deepEqual(decodeEntry(payload, 2), decoded);
          else assert.throws(() => decodeEntry(payload), InvalidEntryError);
        },
      ),
      { numRuns: 500 },
    );
    assert.ok(passed > 200, `${passed} deletions`);
  },
});

Deno.test({
  name:
    "Change.delete() takes an id and nothing else, and names each wrong field",
  permissions,
  fn: () => {
    const change = Change.delete({ user_id: "a" });
    assert.equal(
      entryText([change.change]),
      '[{"user_id":"a","deleted":true}]',
    );
    const fieldsOf = (value: unknown) => {
      try {
        Change.delete(value);
      } catch (error) {
        assert.ok(error instanceof InvalidUserGradeError);
        assert.match(error.message, /^Cannot read a deletion: /);
        return error.errors.map(({ field }) => field);
      }
      return undefined;
    };
    assert.deepEqual(fieldsOf({}), ["user_id"]);
    assert.deepEqual(fieldsOf({ user_id: "" }), ["user_id"]);
    assert.deepEqual(fieldsOf({ user_id: "a", spp: 0 }), ["spp"]);
    assert.deepEqual(fieldsOf({ user_id: "a", deleted: true }), ["deleted"]);
    assert.deepEqual(fieldsOf(["a"]), [""]);
    for (const user_id of ODD_IDS) Change.delete({ user_id });
    for (const user_id of IMPOSSIBLE_IDS) {
      assert.throws(() => Change.delete({ user_id }), InvalidUserGradeError);
    }
  },
});

Deno.test({
  name:
    "decodeEntry() refuses an entry of version 2 as a whole when a deletion is not exactly one",
  permissions,
  fn: () => {
    for (
      const text of [
        '{"user_id":"a","deleted":false}',
        '{"user_id":"a","deleted":1}',
        '{"user_id":"a","deleted":null}',
        '{"user_id":"a","deleted":true,"spp":1}',
        '{"user_id":"a","deleted":true,"__proto__":1}',
        '{"user_id":"","deleted":true}',
        '{"deleted":true}',
        '{"healed_to":1,"digest":"0123456789abcdef"}',
      ]
    ) {
      const payload = new TextEncoder().encode(`[{"user_id":"b"},${text}]`);
      assert.throws(() => decodeEntry(payload, 2), InvalidEntryError, text);
    }
  },
});

Deno.test({
  name: "decodeEntry() reads an entry as version 1.0 does, whoever wrote it",
  permissions,
  fn: () => {
    const decode = (text: string) =>
      decodeEntry(new TextEncoder().encode(text));
    assert.deepEqual(decode('\ufeff[{"user_id":"\ufeffa","spp":7.0}]'), [
      { user_id: "\ufeffa", spp: 7 },
    ]);
    assert.deepEqual(
      decode('[{"user_id":"a","user_id":"b","spp":9007199254740990.5}]'),
      [{ user_id: "b", spp: 9007199254740990 }],
    );
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
