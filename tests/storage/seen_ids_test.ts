import assert from "node:assert/strict";
import fc from "fast-check";
import type { RowBlock } from "../../src/storage/row_block.ts";
import { SeenIds, SeenIdsFullError } from "../../src/storage/seen_ids.ts";
import { withoutMemory } from "../support/memory.ts";
import { ODD_IDS } from "./arbitraries.ts";

const permissions = "none";
const encoder = new TextEncoder();

const userId = fc.oneof(
  fc.constantFrom(...ODD_IDS),
  fc.string({ minLength: 1, maxLength: 9 }),
);

/** Rows of these ids; their numbers do not matter. */
function rowsOf(ids: readonly string[]): RowBlock {
  const keys = ids.map((id) => encoder.encode(id));
  let end = 0;
  return {
    count: ids.length,
    keys: Uint8Array.from(keys.flatMap((key) => [...key])),
    keyEnds: Uint32Array.from(keys, (key) => end += key.length),
    numbers: new Float64Array(4 * ids.length),
  };
}

Deno.test("SeenIds tells exactly the ids that were not added, like a Set", {
  permissions,
}, () => {
  const blocks = fc.array(fc.array(userId, { maxLength: 30 }), {
    maxLength: 10,
  });
  fc.assert(
    fc.property(blocks, fc.array(userId), (added, others) => {
      const seen = new SeenIds();
      const model = new Set(added.flat());
      for (const ids of added) seen.add(rowsOf(ids));
      assert.equal(seen.size, model.size);
      const asked = [...added.flat(), ...others];
      assert.deepEqual(
        seen.unseen(rowsOf(asked)).map((row) => asked[row]),
        asked.filter((id) => !model.has(id)),
      );
    }),
  );
});

Deno.test(
  "SeenIds tells many ids from as many others, whatever it has grown to",
  {
    permissions,
  },
  () => {
    const seen = new SeenIds();
    const ids = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);
    for (let at = 0; at < ids.length; at += 1_000) {
      seen.add(rowsOf(ids.slice(at, at + 1_000)));
      assert.equal(
        seen.unseen(rowsOf(ids.slice(at, at + 2_000))).length,
        Math.min(1_000, ids.length - at - 1_000),
      );
    }
    assert.deepEqual(seen.unseen(rowsOf(ids)), []);
    const others = ids.map((id) => `${id}x`);
    assert.equal(seen.unseen(rowsOf(others)).length, others.length);
  },
);

Deno.test(
  "SeenIds.add() tells that there is no memory, and keeps what it has",
  {
    permissions,
  },
  () => {
    const seen = new SeenIds();
    const ids = Array.from({ length: 5_000 }, (_, i) => `${i}`);
    seen.add(rowsOf(ids));
    const more = rowsOf(Array.from({ length: 30_000 }, (_, i) => `more-${i}`));
    assert.throws(
      () => withoutMemory("arrays", () => seen.add(more)),
      SeenIdsFullError,
    );
    assert.deepEqual(seen.unseen(rowsOf(ids)), []);
    seen.add(more);
    assert.deepEqual(seen.unseen(more), []);
  },
);
