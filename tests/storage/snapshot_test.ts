import assert from "node:assert/strict";
import { widthsOf } from "../../src/storage/packed_numbers.ts";
import { Segment } from "../../src/storage/segment.ts";
import { TableSnapshot } from "../../src/storage/snapshot.ts";
import { UserTable } from "../../src/storage/user_table.ts";
import { fromBlock } from "../support/model.ts";
import { toKey } from "./keys.ts";

/** Words that count the copies made of them. */
class CountingWords extends Int32Array<ArrayBuffer> {
  static copies = 0;

  override slice(start?: number, end?: number): Int32Array<ArrayBuffer> {
    CountingWords.copies++;
    return new Int32Array(this).slice(start, end);
  }
}

/** Four words of numbers. */
const WIDTHS = widthsOf(2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1);

/**
 * A segment of users `user-0`, `user-1`, ..., each with its number as its first
 * value, and where their records are. Seven words each: 100 fit in a page of
 * 1024 words, 1000 need seven pages.
 */
function createSegment(users: number): { segment: Segment; places: number[] } {
  const segment = new Segment(() => 0);
  const places = Array.from({ length: users }, (_, i) => {
    const { words, length } = toKey(`user-${i}`);
    const place = segment.append(i, words, length, WIDTHS);
    segment.write(place, i, 0, 0, 0);
    return place;
  });
  segment.words = new CountingWords(segment.words.buffer);
  CountingWords.copies = 0;
  return { segment, places };
}

/** The first value of each row. */
function readValues(snapshot: TableSnapshot, rowsMax: number): number[] {
  const values: number[] = [];
  for (let rows; (rows = snapshot.read(rowsMax)) !== undefined;) {
    values.push(...fromBlock(rows).map((grade) => grade.postpaid_limit));
  }
  return values;
}

function ascending(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

test("TableSnapshot copies nothing when it is taken", () => {
  const { segment } = createSegment(1000);
  using snapshot = new TableSnapshot([undefined, segment], 1000);
  assert.equal(CountingWords.copies, 0);
  assert.equal(snapshot.rows, 1000);
});

test("TableSnapshot.keep() copies a page once, however often it is written", () => {
  const { segment, places } = createSegment(100);
  using snapshot = new TableSnapshot([segment], 100);
  places.forEach((place, i) => {
    snapshot.keep(0, segment, place);
    segment.write(place, -i, 0, 0, 0);
  });
  assert.equal(CountingWords.copies, 1);
  assert.deepEqual(readValues(snapshot, 7), ascending(100));
});

test("TableSnapshot.keep() copies only the pages that a record touches", () => {
  const { segment, places } = createSegment(1000);
  using snapshot = new TableSnapshot([segment], 1000);
  for (const i of [0, 999, 500]) {
    snapshot.keep(0, segment, places[i]);
    segment.write(places[i], -1, 0, 0, 0);
  }
  assert.equal(CountingWords.copies, 3);
  assert.deepEqual(readValues(snapshot, 1000), ascending(1000));
});

test("TableSnapshot.keep() keeps a record that lies across two pages", () => {
  const { segment, places } = createSegment(1000);
  const across = places.findIndex((place) =>
    place >> 10 !== (place + 6) >> 10 && place % 1024 !== 0
  );
  assert.notEqual(across, -1);
  using snapshot = new TableSnapshot([segment], 1000);
  snapshot.keep(0, segment, places[across]);
  segment.write(places[across], -1, -1, -1, -1);
  assert.deepEqual(readValues(snapshot, 1000), ascending(1000));
});

test("TableSnapshot.keep() copies nothing of records that are new or read", () => {
  const { segment, places } = createSegment(100);
  using snapshot = new TableSnapshot([segment], 100);
  const { words, length } = toKey("late");
  const late = segment.append(0, words, length, WIDTHS);
  snapshot.keep(0, segment, late);
  assert.deepEqual(readValues(snapshot, 100), ascending(100));
  CountingWords.copies = 0;
  snapshot.keep(0, segment, places[0]);
  assert.equal(CountingWords.copies, 0);
});

test("TableSnapshot.keepAll() copies a segment once, with the pages that were kept before", () => {
  const { segment, places } = createSegment(1000);
  using snapshot = new TableSnapshot([segment], 1000);
  snapshot.keep(0, segment, places[3]);
  segment.remove(3, places[3]);
  snapshot.keepAll(0);
  for (const place of places) segment.write(place, -1, -1, -1, -1);
  snapshot.keepAll(0);
  snapshot.keep(0, segment, places[5]);
  assert.equal(CountingWords.copies, 2);
  assert.deepEqual(readValues(snapshot, 7), ascending(1000));
  snapshot.keepAll(0);
  assert.equal(CountingWords.copies, 2);
});

test("TableSnapshot.read() gives slices of the size asked for, over segments", () => {
  const first = createSegment(10).segment;
  const second = createSegment(5).segment;
  const segments = [undefined, first, new Segment(() => 0), second];
  const sizes = (rowsMax: number) => {
    using snapshot = new TableSnapshot(segments, 15);
    const counts: number[] = [];
    for (let rows; (rows = snapshot.read(rowsMax)) !== undefined;) {
      assert.equal(rows.keyEnds.length, rows.count);
      assert.equal(rows.numbers.length, 4 * rows.count);
      assert.equal(rows.keys.length, rows.keyEnds[rows.count - 1]);
      counts.push(rows.count);
    }
    assert.equal(snapshot.read(rowsMax), undefined);
    return counts;
  };
  assert.deepEqual(sizes(4), [4, 4, 4, 3]);
  assert.deepEqual(sizes(5), [5, 5, 5]);
  assert.deepEqual(sizes(100), [15]);
  assert.deepEqual(sizes(1), new Array(15).fill(1));
});

test("TableSnapshot.read() of an empty table has no rows", () => {
  using snapshot = new UserTable(1, 2).snapshot();
  assert.equal(snapshot.rows, 0);
  assert.equal(snapshot.read(1), undefined);
});

test("TableSnapshot.close() ends the reading and calls back once", () => {
  const { segment } = createSegment(10);
  let closed = 0;
  const snapshot = new TableSnapshot([segment], 10);
  snapshot.onceClosed(() => closed++);
  snapshot.read(3);
  snapshot.close();
  snapshot.close();
  snapshot[Symbol.dispose]();
  assert.equal(closed, 1);
  assert.equal(snapshot.read(3), undefined);
});

test("UserTable asks open snapshots to keep what it overwrites, and no closed one", () => {
  const table = new UserTable(1, 2);
  const write = (value: number) => {
    table.seek("a");
    table.write(value, 0, 0, 0);
  };
  const asked: TableSnapshot[] = [];
  const { keep } = TableSnapshot.prototype;
  TableSnapshot.prototype.keep = function (...args) {
    asked.push(this);
    keep.apply(this, args);
  };
  try {
    write(1);
    const first = table.snapshot();
    const second = table.snapshot();
    write(2);
    assert.deepEqual(asked.splice(0), [first, second]);
    first.close();
    write(2 ** 40);
    assert.deepEqual(asked.splice(0), [second]);
    assert.deepEqual(readValues(second, 1), [1]);
    second.close();
    write(4);
    assert.deepEqual(asked, []);
  } finally {
    TableSnapshot.prototype.keep = keep;
  }
});
