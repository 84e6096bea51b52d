import assert from "node:assert/strict";
import fc from "fast-check";
import { TableFullError } from "../../src/storage/table_full_error.ts";
import { UserTable } from "../../src/storage/user_table.ts";
import { anyCharacter } from "../support/any_character.ts";
import { withoutMemory } from "../support/memory.ts";
import { ODD_IDS } from "./arbitraries.ts";
import { toKey } from "./keys.ts";

function createTable(): UserTable {
  return new UserTable(1, 2);
}

function readAll(table: UserTable): number[] {
  return [...table.read()];
}

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

test("UserTable.seek() finds the users that were written and no others", () => {
  const table = createTable();
  ODD_IDS.forEach((id, i) => {
    assert.equal(table.seek(id), false);
    table.write(i, -i, 2 ** 40 + i, 0);
    assert.equal(table.size, i + 1);
  });
  ODD_IDS.forEach((id, i) => {
    assert.equal(table.seek(id), true);
    assert.deepEqual(readAll(table), [i, -i + 0, 2 ** 40 + i, 0]);
  });
  assert.equal(table.seek("nobody"), false);
});

test("UserTable.seek() leaves the key's UTF-8 bytes, with zeros after them", () => {
  const table = createTable();
  fc.assert(
    fc.property(
      fc.array(fc.oneof(
        fc.constantFrom(...ODD_IDS),
        fc.string({ unit: anyCharacter, minLength: 1, maxLength: 60 }),
      )),
      (ids) => {
        for (const id of ids) {
          table.seek(id);
          const { words, length } = toKey(id);
          assert.equal(table.keyLength, length);
          assert.deepEqual(table.key.slice(0, words.length), words);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("UserTable.seekBytes() is seek() of the same id", () => {
  const table = createTable();
  for (const id of ODD_IDS) {
    const bytes = new TextEncoder().encode(`<${id}>`);
    assert.equal(table.seekBytes(bytes, 1, bytes.length - 1), false);
    table.write(1, 2, 3, 4);
    assert.equal(table.seek(id), true);
    assert.equal(table.seekBytes(bytes, 1, bytes.length - 1), true);
  }
  assert.equal(table.size, ODD_IDS.length);
});

test("UserTable.seek() finds no id that is empty or too long, and works afterwards", () => {
  const table = createTable();
  table.seek("x".repeat(256));
  table.write(1, 2, 3, 4);
  for (const id of ["", "x".repeat(257), "日".repeat(256), "𝄞".repeat(1000)]) {
    assert.equal(table.seek(id), false);
  }
  assert.equal(table.seek("x".repeat(256)), true);
  assert.deepEqual(readAll(table), [1, 2, 3, 4]);
});

test("UserTable.write() goes from narrow to wide and stays exact", () => {
  const table = createTable();
  for (
    const [a, b, c, d] of [
      [0, 0, 0, 0],
      [2 ** 31 - 1, -(2 ** 31), 1, -1],
      [2 ** 31, -(2 ** 31) - 1, 2 ** 32, -(2 ** 32)],
      [2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 32 - 1, -(2 ** 32) + 1],
      [1, 2, 3, 4],
    ]
  ) {
    table.seek("a");
    table.write(a, b, c, d);
    assert.deepEqual(readAll(table), [a, b, c, d]);
    assert.equal(table.seek("a"), true);
    assert.deepEqual(readAll(table), [a, b, c, d]);
    assert.equal(table.size, 1);
  }
});

test("UserTable.write() writes where the last seek() was, again and again", () => {
  const table = createTable();
  table.seek("a");
  table.write(1, 1, 1, 1);
  table.write(2, 2, 2, 2 ** 40);
  table.write(3, 3, 3, 3);
  assert.deepEqual(readAll(table), [3, 3, 3, 3]);
  assert.equal(table.size, 1);
});

test("UserTable.remove() leaves the cursor where a write() adds the user again", () => {
  const table = createTable();
  for (const id of ["a", "b"]) {
    table.seek(id);
    table.write(1, 1, 1, 1);
  }
  table.remove();
  assert.equal(table.size, 1);
  table.write(2, 2, 2, 2 ** 40);
  assert.equal(table.size, 2);
  for (const [id, value] of [["a", 1], ["b", 2]] as const) {
    assert.equal(table.seek(id), true);
    assert.equal(table.read()[0], value);
  }
});

test("UserTable.write() that finds no memory for a segment or for an open snapshot changes nothing", () => {
  const table = createTable();
  table.seek("a");
  assert.throws(
    () => withoutMemory("arrays", () => table.write(1, 2, 3, 4)),
    TableFullError,
  );
  assert.equal(table.size, 0);
  assert.equal(table.seek("a"), false);
  table.write(1, 2, 3, 4);

  const snapshot = table.snapshot();
  table.seek("a");
  assert.throws(
    () => withoutMemory("pages", () => table.write(5, 6, 7, 8)),
    TableFullError,
  );
  assert.deepEqual(readAll(table), [1, 2, 3, 4]);
  table.write(5, 6, 7, 8);
  assert.deepEqual([...snapshot.read(1)!.numbers], [1, 2, 3, 4]);
});
