import assert from "node:assert/strict";
import fc from "fast-check";
import { TableFullError } from "../../src/storage/table_full_error.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { UserGrade } from "../../src/user_grade.ts";
import { withoutMemory } from "../support/memory.ts";
import { fromBlock, Model, toBlock } from "../support/model.ts";
import { ODD_IDS } from "./arbitraries.ts";
import { historyOf, play } from "./history.ts";
import { collidingIds, type Seed } from "./keys.ts";

const SEED: Seed = [7, 8];

/** A long history that fails could be made shorter for hours. */
const SHRINKING = { interruptAfterTimeLimit: 15_000 };

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

function grade(user_id: string, ...numbers: number[]): UserGrade {
  const [postpaid_limit, spp, shipping_fee, return_fee] = numbers;
  return { user_id, postpaid_limit, spp, shipping_fee, return_fee };
}

test("Storage.set() makes a user of zeros from an id alone", () => {
  const storage = new Storage();
  assert.deepEqual(storage.set({ user_id: "a" }), grade("a", 0, 0, 0, 0));
  assert.deepEqual(storage.get("a"), grade("a", 0, 0, 0, 0));
  assert.equal(storage.size, 1);
});

test("Storage.set() keeps fields that the patch leaves out", () => {
  const storage = new Storage();
  storage.set(grade("a", 1, 2, 3, 4));
  storage.set({ user_id: "a", spp: 20 });
  storage.set({ user_id: "a", return_fee: undefined });
  assert.deepEqual(storage.get("a"), grade("a", 1, 20, 3, 4));
  assert.deepEqual(storage.set({ user_id: "a" }), grade("a", 1, 20, 3, 4));
  assert.equal(storage.size, 1);
});

test("Storage.set() lets an explicit 0 overwrite, and stores -0 as 0", () => {
  const storage = new Storage();
  storage.set(grade("a", 1, 2, 3, 4));
  const merged = storage.set({ user_id: "a", postpaid_limit: 0, spp: -0 });
  assert.deepEqual(merged, grade("a", 0, 0, 3, 4));
  assert.deepEqual(storage.get("a"), merged);
  // A wide record too.
  storage.set({ user_id: "a", spp: 2 ** 40 });
  storage.set({ user_id: "a", spp: -0 });
  assert.deepEqual(storage.get("a"), merged);
});

test("Storage.delete() forgets the user, who then begins with zeros again", () => {
  const storage = new Storage();
  storage.set(grade("a", 1, 2, 3, 4));
  storage.set(grade("b", 5, 6, 7, 2 ** 40));
  const { digest } = storage;
  storage.set(grade("c", 1, 1, 1, 1));
  assert.equal(storage.delete("c"), true);
  assert.equal(storage.delete("c"), false);
  assert.equal(storage.delete(""), false);
  assert.equal(storage.get("c"), undefined);
  assert.equal(storage.getJson("c"), undefined);
  assert.deepEqual([storage.size, storage.digest], [2, digest]);
  assert.deepEqual(storage.set({ user_id: "c" }), grade("c", 0, 0, 0, 0));
  for (const id of ["a", "b", "c"]) assert.equal(storage.delete(id), true);
  assert.deepEqual([storage.size, storage.digest], [0, "0000000000000000"]);
});

test("Storage.get() and getJson() have nothing for a user who is not stored", () => {
  const storage = new Storage();
  storage.set({ user_id: "a" });
  for (const id of ["", "b", "A", "a ", "a\0", "x".repeat(10_000)]) {
    assert.equal(storage.get(id), undefined);
    assert.equal(storage.getJson(id), undefined);
  }
  assert.equal(storage.size, 1);
});

test("Storage.digest depends on the records alone", () => {
  const history = (storage: Storage, ids: string[]) => {
    for (const id of ids) storage.set({ user_id: id, spp: id.length });
    return storage;
  };
  const one = history(new Storage(), [...ODD_IDS]);
  const other = history(new Storage(), ODD_IDS.toReversed());
  other.set({ user_id: "a", spp: 2 ** 50 });
  assert.notEqual(other.digest, one.digest);
  other.set({ user_id: "a", spp: 1 });
  assert.equal(other.digest, one.digest);
  assert.match(one.digest, /^[0-9a-f]{16}$/);
  assert.equal(new Storage().digest, "0000000000000000");
});

test("Storage.restore() gives back what a snapshot's rows hold, in another storage", () => {
  const storage = new Storage();
  ODD_IDS.forEach((id, i) =>
    storage.set(grade(id, i, -i, 2 ** i, -(3 ** (i % 33))))
  );
  const restored = new Storage();
  const { table, digest } = storage.snapshot();
  for (let rows; (rows = table.read(4)) !== undefined;) restored.restore(rows);
  table.close();
  assert.equal(restored.digest, digest);
  assert.equal(restored.size, ODD_IDS.length);
  for (const id of ODD_IDS) assert.deepEqual(restored.get(id), storage.get(id));
});

test("Storage.restore() replaces a stored user as a whole and keeps the others", () => {
  const storage = new Storage();
  storage.set(grade("a", 1, 2, 3, 4));
  storage.set(grade("b", 1, 2, 3, 4));
  storage.restore(toBlock([grade("a", 0, -0, 7, 2 ** 40)]));
  assert.deepEqual(storage.get("a"), grade("a", 0, 0, 7, 2 ** 40));
  assert.deepEqual(storage.get("b"), grade("b", 1, 2, 3, 4));
  assert.equal(storage.size, 2);
});

test("Storage.snapshot() holds the moment that it was taken, read late or early", () => {
  const storage = new Storage();
  for (let i = 0; i < 100; i++) storage.set({ user_id: `u${i}`, spp: i });
  using table = storage.snapshot().table;
  const rows = fromBlock(table.read(30)!);
  for (let i = 0; i < 200; i++) storage.set({ user_id: `u${i}`, spp: -1 });
  for (let block; (block = table.read(30)) !== undefined;) {
    rows.push(...fromBlock(block));
  }
  assert.deepEqual(
    rows.map(({ spp }) => spp).toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test("Storage.set() changes nothing when memory is out", () => {
  const storage = new Storage(SEED);
  const model = new Model();
  // All in one segment, so that a new or a wider record soon needs it to grow.
  const ids = collidingIds(SEED, 10, 100);
  let failures = 0;
  for (const patch of ids.map((id) => ({ user_id: id, spp: 1 }))) {
    for (const spp of [1, 2 ** 40]) {
      const { size, digest } = storage;
      try {
        withoutMemory("records", () => storage.set({ ...patch, spp }));
      } catch (error) {
        assert.ok(error instanceof TableFullError);
        assert.deepEqual([storage.size, storage.digest], [size, digest]);
        assert.deepEqual(
          storage.get(patch.user_id),
          model.users.get(patch.user_id),
        );
        failures++;
      }
      storage.set({ ...patch, spp });
      model.set({ ...patch, spp });
    }
  }
  assert.ok(failures > 5);
  play(storage, [], model);
});

test("Storage.delete() changes nothing when there is no memory for an open snapshot", () => {
  const storage = new Storage(SEED);
  const ids = collidingIds(SEED, 10, 300);
  storage.restore(toBlock(ids.map((id, i) => grade(id, i, 0, 0, 0))));
  using table = storage.snapshot().table;
  const rows: UserGrade[] = [];
  for (const [i, id] of ids.entries()) {
    const { size, digest } = storage;
    try {
      withoutMemory("pages", () => storage.delete(id));
    } catch (error) {
      assert.ok(error instanceof TableFullError);
      assert.deepEqual([storage.size, storage.digest], [size, digest]);
      assert.deepEqual(storage.get(id), grade(id, i, 0, 0, 0));
      storage.delete(id);
    }
    assert.equal(storage.size, size - 1);
    assert.equal(storage.get(id), undefined);
  }
  for (let block; (block = table.read(30)) !== undefined;) {
    rows.push(...fromBlock(block));
  }
  assert.deepEqual(rows.map((row) => row.user_id), ids);
});

test("Storage.restore() keeps the rows before it whole when memory is out", () => {
  const storage = new Storage(SEED);
  const grades = collidingIds(SEED, 10, 100).map((id) => grade(id, 1, 2, 3, 4));
  assert.throws(
    () => withoutMemory("records", () => storage.restore(toBlock(grades))),
    TableFullError,
  );
  assert.ok(storage.size > 0);
  const model = new Model();
  for (const stored of grades.slice(0, storage.size)) model.set(stored);
  play(storage, [], model);
});

test("Storage agrees with its model through histories of a few odd ids", () => {
  fc.assert(
    fc.property(historyOf(ODD_IDS, 8, 60), (steps) => {
      play(new Storage(), steps);
    }),
    { numRuns: 2000, ...SHRINKING },
  );
});

test("Storage agrees with its model when all users share one segment", () => {
  const ids = collidingIds(SEED, 10, 1000);
  fc.assert(
    fc.property(historyOf(ids, 200, 300), (steps) => {
      play(new Storage(SEED), steps);
    }),
    { numRuns: 150, ...SHRINKING },
  );
});

test("Storage agrees with its model with thousands of users in all segments", () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);
  const grades = ids.map((id, i) => grade(id, i, -i, 1, i % 7));
  const block = toBlock(grades);
  fc.assert(
    fc.property(historyOf(ids.slice(0, 9000), 700, 40), (steps) => {
      const storage = new Storage();
      const model = new Model();
      storage.restore(block);
      for (const grade of grades) model.set(grade);
      play(storage, steps, model);
    }),
    { numRuns: 20, ...SHRINKING },
  );
});
