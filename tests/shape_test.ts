import assert from "node:assert/strict";
import * as fc from "fast-check";
import * as z from "zod";
import {
  boolean,
  integer,
  list,
  matching,
  misfitOf,
  nullable,
  number,
  oneOf,
  pair,
  record,
  type Shape,
  text,
  time,
} from "../src/shape.ts";

const permissions = "none";

/** Each shape, and the schema of Zod that lets the same pass. */
const PAIRS: Record<string, [Shape<unknown>, z.ZodType]> = {
  boolean: [boolean, z.boolean()],
  integer: [integer(1), z.int().min(1)],
  number: [number(0, 100), z.number().min(0).max(100)],
  text: [text(1, 3), z.string().min(1).max(3)],
  matching: [matching(/^[ab]+$/), z.string().regex(/^[ab]+$/)],
  oneOf: [oneOf("a", false), z.union([z.literal("a"), z.literal(false)])],
  time: [time, z.iso.datetime()],
  nullable: [nullable(integer(0)), z.int().min(0).nullable()],
  list: [list(integer(0), 1, 2), z.array(z.int().min(0)).min(1).max(2)],
  pair: [pair(integer(0), text()), z.tuple([z.int().min(0), z.string()])],
  record: [
    record({ a: integer(0) }, { b: text() }),
    z.object({ a: z.int().min(0), b: z.string().optional() }),
  ],
};

const value = fc.oneof(
  fc.constantFrom(
    ...["", "a", "ab", "abab", "2026-11-26T12:00:00Z"],
    ...["2026-11-26T12:00:00.123456789Z", "2026-13-26T12:00:00Z"],
    ...["2026-11-26 12:00:00Z", "2026-11-26T12:00:00+01:00", "x".repeat(9)],
    ...[0, 1, -1, 0.5, 100, 101, 2 ** 53, true, false, null],
  ),
  fc.jsonValue({ maxDepth: 1 }),
);

const anyValue = fc.oneof(
  value,
  fc.array(value, { maxLength: 3 }),
  fc.record({ a: value, b: value, c: value }, { requiredKeys: [] }),
);

for (const [name, [shape, schema]] of Object.entries(PAIRS)) {
  Deno.test(`${name} lets pass what Zod's schema lets pass`, {
    permissions,
  }, () => {
    fc.assert(fc.property(anyValue, (one) => {
      assert.equal(shape(one), schema.safeParse(one).success);
    }));
  });
}

Deno.test("misfitOf() names the first field that is missing or wrong", {
  permissions,
}, () => {
  const misfit = misfitOf({ a: integer(0), b: text() }, { c: boolean });
  assert.equal(misfit({ a: 1, b: "", more: 1 }), undefined);
  assert.equal(misfit({ b: 1 }), "a");
  assert.equal(misfit({ a: 1, b: 1 }), "b");
  assert.equal(misfit({ a: 1, b: "", c: 1 }), "c");
  // What each object has is no field of a record.
  assert.equal(misfitOf({ toString: text() }, {})({}), "toString");
});
