import assert from "node:assert/strict";
import { Storage } from "../../src/storage/storage.ts";
import { fromBlock } from "../support/model.ts";
import { collidingIds, hashId, type Seed } from "./keys.ts";

const KNOWN: Seed = [1, 2];
const OTHER: Seed = [3, 4];

/** What the table takes of a hash to choose a segment. */
const SEGMENT_BITS = 10;

/** How many ids have each value of their hash's low bits. */
function distribution(seed: Seed, bits: number, ids: string[]): number[] {
  const counts = new Array<number>(1 << bits).fill(0);
  for (const id of ids) counts[hashId(seed, id) & (counts.length - 1)]++;
  return counts;
}

Deno.test(
  "hashKey() spreads ids that share a segment under another seed over all segments",
  { permissions: "none" },
  () => {
    const ids = collidingIds(KNOWN, SEGMENT_BITS, 2000);
    assert.equal(distribution(KNOWN, SEGMENT_BITS, ids)[0], 2000);
    const spread = distribution(OTHER, SEGMENT_BITS, ids);
    // 2000 balls thrown into 1024 bins leave 145 empty and at most 8 or so in
    // one; the ids are always the same, so this can't fail by chance.
    assert.ok(Math.max(...spread) < 14, `${Math.max(...spread)} in one`);
    const empty = spread.filter((count) => count === 0).length;
    assert.ok(empty > 90 && empty < 200, `${empty} segments are empty`);
  },
);

Deno.test(
  "hashKey() gives different slots to ids that share one under another seed",
  { permissions: "none" },
  () => {
    const bits = SEGMENT_BITS + 7;
    const ids = collidingIds(KNOWN, bits, 64);
    assert.equal(distribution(KNOWN, bits, ids)[0], 64);
    const used = distribution(OTHER, bits, ids).filter((count) => count > 0);
    // Even one pair of 64 in one of 131,072 slots has a chance of 2 %.
    assert.ok(used.length >= 62, `only ${used.length} slots for 64 ids`);
  },
);

Deno.test(
  "Storage takes a random seed unless it is given one",
  { permissions: "none" },
  () => {
    const order = (storage: Storage) => {
      for (let i = 0; i < 100; i++) storage.set({ user_id: `user-${i}` });
      using table = storage.snapshot().table;
      return fromBlock(table.read(100)!).map((grade) => grade.user_id);
    };
    assert.deepEqual(order(new Storage(KNOWN)), order(new Storage(KNOWN)));
    assert.notDeepEqual(order(new Storage()), order(new Storage()));
  },
);
