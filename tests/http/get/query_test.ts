import assert from "node:assert/strict";
import fc from "fast-check";
import { HttpError } from "../../../src/http/server/problem.ts";
import { parseQuery } from "../../../src/http/get/query.ts";
import { anyCharacter } from "../../support/any_character.ts";

Deno.test({
  name:
    "parseQuery() reads any id that URLSearchParams or encodeURIComponent wrote",
  permissions: "none",
  fn: () => {
    fc.assert(fc.property(
      fc.string({ unit: anyCharacter, minLength: 1 }),
      fc.nat(),
      (user_id, sequence) => {
        assert.deepEqual(
          parseQuery(`user_id=${encodeURIComponent(user_id)}`),
          { userId: user_id },
        );
        const params = new URLSearchParams({
          min_sequence: String(sequence),
          x: "y",
          user_id,
        });
        assert.deepEqual(parseQuery(params.toString()), {
          userId: user_id,
          minSequence: sequence,
        });
      },
    ));
  },
});

Deno.test({
  name:
    "parseQuery() refuses raw bytes beyond ASCII rather than look up another user",
  permissions: "none",
  fn: () => {
    for (const query of ["user_id=\u00c3\u00a9", "x=1&user_id=\u00c3\u00a9"]) {
      assert.throws(() => parseQuery(query), HttpError);
    }
  },
});

Deno.test({
  name: "parseQuery() throws nothing but a 400 on arbitrary text",
  permissions: "none",
  fn: () => {
    fc.assert(fc.property(
      fc.oneof(
        fc.string({ unit: anyCharacter }),
        fc.string().map((text) => `user_id=${text}`),
      ),
      (query) => {
        try {
          assert.ok(parseQuery(query).userId.length > 0);
        } catch (error) {
          assert.ok(error instanceof HttpError && error.status === 400);
        }
      },
    ));
  },
});
