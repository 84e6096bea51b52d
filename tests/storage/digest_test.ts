import assert from "node:assert/strict";
import fc from "fast-check";
import { Digest } from "../../src/storage/digest.ts";
import { number, ODD_IDS } from "./arbitraries.ts";
import { toKey } from "./keys.ts";

type Numbers = [number, number, number, number];
type Row = readonly [id: string, numbers: Numbers];

/** The digest of these rows, added in this order. */
function digestOf(rows: readonly Row[]): string {
  const digest = new Digest();
  for (const [id, numbers] of rows) {
    const { words, length } = toKey(id);
    digest.selectKey(words, length);
    digest.add(...numbers);
  }
  return digest.toString();
}

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

const rows = fc.array(
  fc.tuple(
    fc.constantFrom(...ODD_IDS),
    fc.tuple(number, number, number, number),
  ),
);

test("Digest gives the same digits in every release", () => {
  // Replicas of two releases compare theirs, and backups keep them.
  assert.equal(digestOf([]), "0000000000000000");
  assert.equal(digestOf([["a", [0, 0, 0, 0]]]), "be09e8d26a377d7b");
  assert.equal(
    digestOf([["user-1234567", [1, -2, 2 ** 31, 4]]]),
    "c5f028252aab8234",
  );
  assert.equal(
    digestOf([["日本", [Number.MAX_SAFE_INTEGER, 0, 0, -(2 ** 40)]]]),
    "fb8faed034b1757c",
  );
});

test("Digest does not depend on the order of the records", () => {
  fc.assert(
    fc.property(rows, fc.infiniteStream(fc.nat()), (rows, random) => {
      const shuffled = rows.map((row) => ({ row, by: random.next().value }))
        .sort((a, b) => a.by - b.by).map(({ row }) => row);
      assert.equal(digestOf(shuffled), digestOf(rows));
    }),
  );
});

test("Digest.remove() undoes Digest.add()", () => {
  fc.assert(
    fc.property(rows, rows, (kept, passing) => {
      const digest = new Digest();
      const each = (rows: readonly Row[], act: (numbers: Numbers) => void) => {
        for (const [id, numbers] of rows) {
          const { words, length } = toKey(id);
          digest.selectKey(words, length);
          act(numbers);
        }
      };
      each(passing, (numbers) => digest.add(...numbers));
      each(kept, (numbers) => digest.add(...numbers));
      each(passing, (numbers) => digest.remove(...numbers));
      assert.equal(digest.toString(), digestOf(kept));
    }),
  );
});

test("Digest takes -0 for 0", () => {
  assert.equal(
    digestOf([["a", [-0, -0, -0, -0]]]),
    digestOf([["a", [0, 0, 0, 0]]]),
  );
});

test("Digest differs for records that differ little", () => {
  const near: Row[] = ODD_IDS.map((id) => [id, [0, 0, 0, 0]]);
  for (let column = 0; column < 4; column++) {
    for (let bit = 0; bit < 53; bit++) {
      for (const sign of [1, -1]) {
        const numbers: Numbers = [0, 0, 0, 0];
        numbers[column] = sign * 2 ** bit;
        near.push(["a", numbers]);
      }
    }
  }
  for (let i = 1; i <= 20_000; i++) {
    near.push([`user-${i}`, [0, 0, 0, 0]], ["user", [i, 0, 0, 7]]);
    near.push(["user", [0, i, 7, 0]], ["user", [i, i, i, i]]);
  }
  const digests = new Set(near.map((row) => digestOf([row])));
  assert.equal(digests.size, near.length);
});

test("Digest depends on which user has which numbers", () => {
  const digests = [
    digestOf([["a", [1, 2, 3, 4]], ["b", [5, 6, 7, 8]]]),
    digestOf([["a", [5, 6, 7, 8]], ["b", [1, 2, 3, 4]]]),
    digestOf([["a", [1, 6, 3, 4]], ["b", [5, 2, 7, 8]]]),
    digestOf([["a", [2, 1, 3, 4]], ["b", [5, 6, 7, 8]]]),
    digestOf([["a", [1, 2, 3, 4]], ["c", [5, 6, 7, 8]]]),
  ];
  assert.equal(new Set(digests).size, digests.length);
});

test("Digest changes either half of its digits with every change", () => {
  // Two halves that moved together would be worth 32 bits, not 64.
  const halves = [new Set<string>(), new Set<string>()];
  const sums = new Set<number>();
  const count = 2000;
  for (let i = 0; i < count; i++) {
    const digits = digestOf([["a", [i, 0, 0, 0]]]);
    halves[0].add(digits.slice(0, 8));
    halves[1].add(digits.slice(8));
    sums.add(
      (parseInt(digits.slice(0, 8), 16) ^ parseInt(digits.slice(8), 16)) >>> 0,
    );
  }
  assert.equal(halves[0].size, count);
  assert.equal(halves[1].size, count);
  assert.equal(sums.size, count);
});
