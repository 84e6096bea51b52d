import assert from "node:assert/strict";
import fc from "fast-check";
import {
  NUMBER_FIELDS,
  USER_ID_BYTES_MAX,
  userGradeJson,
} from "../src/user_grade.ts";
import {
  assertUserId,
  InvalidUserGradeError,
  isPatch,
  parsePatch,
  UserGradePatchSchema,
} from "../src/user_grade_schema.ts";
import { anyCharacter } from "./support/any_character.ts";

/** What parsePatch() makes of JSON text. */
function parse(json: string) {
  return parsePatch(JSON.parse(json));
}

/** The fields that parsePatch() complains about. */
function refused(json: string): string[] {
  try {
    parse(json);
  } catch (error) {
    assert.ok(error instanceof InvalidUserGradeError);
    for (const { field, message } of error.errors) {
      assert.ok(error.message.includes(`${field} ${message}`.trim()));
    }
    return error.errors.map(({ field }) => field);
  }
  assert.fail(`${json} was taken`);
}

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

test("parsePatch() accepts a whole record and a partial one", () => {
  const whole =
    '{"user_id":"a","postpaid_limit":1,"spp":-2,"shipping_fee":3,"return_fee":0}';
  assert.deepEqual(parse(whole), JSON.parse(whole));
  for (const field of NUMBER_FIELDS) {
    const partial = `{"${field}":7,"user_id":"a"}`;
    assert.deepEqual(parse(partial), JSON.parse(partial));
  }
  assert.deepEqual(parse('{"user_id":"a"}'), { user_id: "a" });
});

test("parsePatch() refuses a user_id that is missing, empty or no string", () => {
  assert.throws(() => parse('{"spp":1}'), { message: /user_id is required/ });
  assert.throws(() => parse('{"user_id":""}'), {
    message: /user_id must not be empty/,
  });
  for (const value of ["null", "5", "true", "[]", "{}", '["a"]']) {
    assert.deepEqual(refused(`{"user_id":${value}}`), ["user_id"]);
  }
});

test("parsePatch() counts a user_id's bytes of UTF-8, 256 at most", () => {
  for (const [character, bytes] of [["x", 1], ["é", 2], ["日", 3], ["𝄞", 4]]) {
    const characters = Math.floor(USER_ID_BYTES_MAX / Number(bytes));
    const rest = "x".repeat(USER_ID_BYTES_MAX - characters * Number(bytes));
    const longest = String(character).repeat(characters) + rest;
    const patch = { user_id: longest };
    assert.equal(new TextEncoder().encode(longest).length, 256);
    assert.deepEqual(parsePatch(patch), patch);
    assert.throws(() => parsePatch({ user_id: longest + "x" }), {
      message: /user_id must be at most 256 bytes of UTF-8/,
    });
  }
});

test("parsePatch() refuses control characters in a user_id", () => {
  for (let code = 0; code < 0x100; code++) {
    const patch = { user_id: `a${String.fromCharCode(code)}b` };
    if (code < 0x20 || code === 0x7f) {
      assert.deepEqual(refused(JSON.stringify(patch)), ["user_id"]);
    } else {
      assert.deepEqual(parsePatch(patch), patch);
    }
  }
});

test("parsePatch() refuses lone surrogates in a user_id", () => {
  for (const id of ["\\ud800", "a\\udc00", "\\udc00\\ud800", "\\ud834x"]) {
    assert.throws(() => parse(`{"user_id":"${id}"}`), {
      message: /user_id must be well-formed Unicode/,
    });
  }
  assert.equal(parse('{"user_id":"\\ud834\\udd1e"}').user_id, "𝄞");
});

test("parsePatch() reads numbers by their value", () => {
  for (
    const [text, value] of [
      ["1.0", 1],
      ["1e2", 100],
      ["0.5e1", 5],
      ["-0", -0],
      ["9007199254740991", Number.MAX_SAFE_INTEGER],
      ["-9007199254740991", -Number.MAX_SAFE_INTEGER],
      ["2147483648", 2 ** 31],
    ]
  ) {
    assert.equal(parse(`{"user_id":"a","spp":${text}}`).spp, value);
  }
});

test("parsePatch() refuses numbers that are no safe integers, and names the field", () => {
  for (const field of NUMBER_FIELDS) {
    for (
      const text of [
        ...["null", "true", '"1"', '""', "[]", "[1]", "{}"],
        ...["0.5", "1e-1", "-1.5", "1e400", "-1e400"],
        ...["9007199254740992", "-9007199254740992", "1e300"],
      ]
    ) {
      assert.deepEqual(refused(`{"user_id":"a","${field}":${text}}`), [field]);
    }
  }
  assert.throws(() => parsePatch({ user_id: "a", spp: NaN }), {
    message: /spp must be an integer from -9007199254740991 to/,
  });
});

test("parsePatch() takes the last of a repeated key", () => {
  assert.equal(parse('{"user_id":"a","spp":"x","spp":2}').spp, 2);
  assert.deepEqual(refused('{"user_id":"a","spp":2,"spp":null}'), ["spp"]);
});

test("parsePatch() refuses fields that it does not know", () => {
  for (
    const field of [
      ...["x", "", "User_id", "spp ", "length"],
      ...["__proto__", "constructor", "prototype", "toString"],
    ]
  ) {
    assert.deepEqual(refused(`{"user_id":"a","${field}":1}`), [field]);
  }
  // A prototype from outside gives neither the id nor a number.
  assert.deepEqual(refused('{"__proto__":{"user_id":"a"}}'), [
    "user_id",
    "__proto__",
  ]);
  assert.equal(Object.hasOwn(Object.prototype, "spp"), false);
});

test("parsePatch() refuses what is no object", () => {
  for (const json of ["[]", '[{"user_id":"a"}]', "null", "5", '"a"', "true"]) {
    assert.deepEqual(refused(json), [""]);
    assert.throws(() => parse(json), { message: /must be a JSON object/ });
  }
});

test("parsePatch() names every wrong field, once", () => {
  assert.deepEqual(
    refused('{"user_id":"\\u0000\\ud800","spp":0.5,"return_fee":null,"x":1}'),
    ["user_id", "spp", "return_fee", "x"],
  );
});

test("parsePatch() limits its errors, however many and long the fields", () => {
  const fields = Array.from({ length: 1000 }, (_, i) => `${i}-`.repeat(1000));
  // A name is not cut through a pair of surrogates either.
  fields.unshift("x".repeat(63) + "𝄞".repeat(100));
  const json = JSON.stringify(Object.fromEntries(fields.map((f) => [f, 1])));
  const named = refused(json);
  assert.equal(named.length, 20);
  assert.equal(named[0], "user_id");
  assert.ok(named.every((field) => field.length <= 64 && field.isWellFormed()));
});

/** JSON values that are patches, nearly patches, or nothing of the kind. */
const nearlyPatch = fc.oneof(
  fc.record(
    {
      user_id: fc.oneof(
        { weight: 4, arbitrary: fc.string({ minLength: 1 }) },
        fc.string({ unit: anyCharacter, maxLength: 300 }),
        fc.constantFrom(
          "",
          "\ud800",
          "\u007f",
          "é".repeat(128),
          "é".repeat(129),
        ),
        fc.jsonValue(),
      ),
      ...Object.fromEntries(NUMBER_FIELDS.map((field) => [
        field,
        fc.oneof(
          { weight: 8, arbitrary: fc.maxSafeInteger() },
          fc.constantFrom(2 ** 53, -(2 ** 53), 0.5, -0, null, "1"),
          fc.jsonValue(),
        ),
      ])),
      unknown: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue(),
);

test("isPatch() accepts what the schema accepts", () => {
  let taken = 0;
  fc.assert(
    fc.property(nearlyPatch, (value) => {
      const json = JSON.parse(JSON.stringify(value));
      const result = UserGradePatchSchema.safeParse(json);
      assert.equal(isPatch(json), result.success);
      if (result.success) taken++;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(taken > 100, `only ${taken} were patches`);
  assert.equal(isPatch(JSON.parse('{"user_id":"a","__proto__":1}')), false);
});

test("userGradeJson() has the fields in the contract's order", () => {
  assert.equal(
    userGradeJson('"\\é', 1, -2, 2 ** 31, Number.MIN_SAFE_INTEGER),
    '{"user_id":"\\"\\\\é","postpaid_limit":1,"spp":-2,' +
      '"shipping_fee":2147483648,"return_fee":-9007199254740991}',
  );
});

test("assertUserId() takes the ids that parsePatch() takes, and no others", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: anyCharacter, maxLength: 300 }),
        fc.string({ maxLength: 260, minLength: 250 }),
        fc.string({ unit: fc.constantFrom("a", "\0", "\x7f", "\ud800", "é") }),
      ),
      (user_id) => {
        let isTaken = true;
        try {
          assertUserId(user_id);
        } catch (error) {
          assert.ok(error instanceof InvalidUserGradeError);
          assert.equal(error.errors[0].field, "user_id");
          isTaken = false;
        }
        assert.equal(isTaken, isPatch({ user_id }));
      },
    ),
  );
});
