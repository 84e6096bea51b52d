import assert from "node:assert/strict";
import fc from "fast-check";
import { hashKey } from "../../src/storage/key_hash.ts";
import { numberWords, widthsOf } from "../../src/storage/packed_numbers.ts";
import { forEachRecord } from "../../src/storage/record.ts";
import { Segment, SEGMENT_WORDS_MAX } from "../../src/storage/segment.ts";
import { TableFullError } from "../../src/storage/table_full_error.ts";
import { withoutMemory } from "../support/memory.ts";
import { number } from "./arbitraries.ts";
import { hashId, type Key, type Seed, toKey } from "./keys.ts";

type Numbers = [number, number, number, number];

const SEED: Seed = [5, 6];

function createSegment(): Segment {
  return new Segment(
    (words, at, length) => hashKey(...SEED, words, at, length),
  );
}

/** Stores a user as the table does. */
function set(segment: Segment, id: string, numbers: Numbers): void {
  const { words, length } = toKey(id);
  const hash = hashId(SEED, id);
  const widths = widthsOf(...numbers);
  let place = segment.find(hash, words, length);
  if (place === -1) place = segment.append(hash, words, length, widths);
  else if (!segment.hasRoom(place, widths)) {
    place = segment.widen(hash, words, place, widths);
  }
  segment.write(place, ...numbers);
}

/** Removes a user as the table does; returns whether there was one. */
function remove(segment: Segment, id: string): boolean {
  const { words, length } = toKey(id);
  const hash = hashId(SEED, id);
  const place = segment.find(hash, words, length);
  if (place !== -1) segment.remove(hash, place);
  return place !== -1;
}

function read(segment: Segment, place: number): number[] {
  const numbers = new Float64Array(4);
  segment.read(place, numbers);
  return [...numbers];
}

function get(segment: Segment, id: string): number[] | undefined {
  const { words, length } = toKey(id);
  const place = segment.find(hashId(SEED, id), words, length);
  if (place === -1) return undefined;
  return read(segment, place);
}

/** Every record that is not dead: its key's bytes as text, and its numbers. */
function rows(segment: Segment): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const bytes = new Uint8Array(segment.words.buffer);
  forEachRecord(segment.words, segment.used, (place, length) => {
    const start = 4 * (place + 1);
    const id = new TextDecoder().decode(bytes.subarray(start, start + length));
    assert.ok(!found.has(id), `${id} has two records`);
    found.set(id, read(segment, place));
  });
  return found;
}

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

test("Segment keeps what was written and not removed, whatever the history", () => {
  const numbers = fc.tuple(number, number, number, number);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.nat(300), fc.oneof(numbers, fc.constant(undefined))),
        { maxLength: 400, size: "max" },
      ),
      (history) => {
        const segment = createSegment();
        const model = new Map<string, number[]>();
        for (const [user, numbers] of history) {
          const id = `user-${user}`;
          if (numbers === undefined) {
            assert.equal(remove(segment, id), model.delete(id));
            assert.equal(get(segment, id), undefined);
          } else {
            set(segment, id, numbers);
            const expected = numbers.map((value) => value + 0);
            model.set(id, expected);
            assert.deepEqual(get(segment, id), expected);
          }
          assert.ok(segment.used <= segment.words.length);
        }
        assert.deepEqual(rows(segment), model);
        for (const [id, expected] of model) {
          assert.deepEqual(get(segment, id), expected);
        }
        assert.equal(get(segment, "nobody"), undefined);
      },
    ),
    { numRuns: 200 },
  );
});

/** How the ids of a churn come to be, and how large their numbers are. */
const CHURNS: Record<string, (i: number) => [id: string, number: number]> = {
  "ids of one length": (i) => [`user-${1e6 + i}`, i],
  "growing ids": (i) => ["x".repeat(8 + i / 250) + i, i],
  "ids of mixed lengths": (i) => [`${i}`.padEnd(i * 7919 % 250, "x"), i],
  "narrow and wide numbers": (i) => [
    `user-${1e6 + i}`,
    i * 7919 % 3 === 0 ? 2 ** 40 : i,
  ],
};
for (const [name, make] of Object.entries(CHURNS)) {
  test(`Segment does not grow with ${name} that come and go`, () => {
    const segment = createSegment();
    const users = 1000;
    const add = (i: number) => set(segment, make(i)[0], [make(i)[1], 0, 0, 0]);
    let [live, live_max, bytes] = [0, 0, 0];
    const words = (i: number) =>
      1 + Math.ceil(make(i)[0].length / 4) +
      numberWords(widthsOf(make(i)[1], 0, 0, 0));
    for (let i = 0; i < 20 * users; i++) {
      add(i);
      live += words(i);
      if (i === users - 1) bytes = segment.bytes / live;
      if (i < users) continue;
      assert.ok(remove(segment, make(i - users)[0]));
      live -= words(i - users);
      live_max = Math.max(live_max, live);
    }
    assert.equal(rows(segment).size, users);
    const growth = segment.bytes / live_max / bytes;
    assert.ok(growth < 4 / 3, `${segment.bytes} bytes: ${growth} times`);
  });
}

test("Segment uses the space of records that became wider", () => {
  const segment = createSegment();
  const users = 1000;
  for (const number of [1, 2 ** 40]) {
    for (let i = 0; i < users; i++) {
      set(segment, `user-${1e6 + i}`, [number, 0, 0, 0]);
    }
  }
  // A header, 3 words of key and 2 of numbers.
  assert.ok(
    segment.words.length < 1.38 * 6 * users,
    `${segment.words.length}`,
  );
  assert.equal(rows(segment).size, users);
});

test("Segment gives memory back when its users go, and takes them again", () => {
  const segment = createSegment();
  const empty = segment.bytes;
  const ids = Array.from({ length: 1000 }, (_, i) => `user-${i}`);
  let full = 0;
  for (let round = 0; round < 5; round++) {
    for (const [i, id] of ids.entries()) set(segment, id, [i, 0, 0, 2 ** 40]);
    if (round === 0) full = segment.bytes;
    assert.ok(segment.bytes <= full, `${segment.bytes} of ${full}`);
    for (const id of ids.slice(100)) remove(segment, id);
    assert.ok(segment.bytes < full / 3, `${segment.bytes} of ${full}`);
    for (const id of ids.slice(0, 100)) {
      assert.deepEqual(get(segment, id)?.[3], 2 ** 40);
      remove(segment, id);
    }
    assert.ok(segment.bytes < 4 * empty, `${segment.bytes}, once ${empty}`);
  }
});

test("Segment finds keys whose hashes are all the same", () => {
  const segment = new Segment(() => -1);
  const keys: Key[] = Array.from({ length: 500 }, (_, i) => toKey(`u${i}`));
  const places = keys.map(({ words, length }, i) => {
    const place = segment.append(-1, words, length, widthsOf(i, 0, 0, 0));
    segment.write(place, i, 0, 0, 0);
    return place;
  });
  keys.forEach(({ words, length }, i) => {
    assert.equal(segment.find(-1, words, length), places[i]);
  });
  const { words, length } = toKey("nobody");
  assert.equal(segment.find(-1, words, length), -1);
});

test("Segment widens a record where it is while its last word has room, and keeps one that is alive", () => {
  const segment = createSegment();
  set(segment, "a", [1, 2, 0, 0]);
  set(segment, "b", [5, 6, 7, 8]);
  const narrow = segment.used;
  set(segment, "a", [1, 2, 3, 4]);
  assert.equal(segment.used, narrow);
  set(segment, "a", [1, 2, 2 ** 53 - 1, 2 ** 53 - 1]);
  const wide = segment.used;
  assert.ok(wide > narrow);
  set(segment, "a", [1, 2, 2 ** 53 - 1, -(2 ** 53) + 1]);
  set(segment, "a", [0, 0, 0, 0]);
  assert.equal(segment.used, wide);
  assert.deepEqual(
    rows(segment),
    new Map([["b", [5, 6, 7, 8]], ["a", [0, 0, 0, 0]]]),
  );
});

test("Segment takes records up to its limit, then says so and changes nothing", () => {
  const segment = createSegment();
  const id = (i: number) => `${i}-`.padEnd(252, "x");
  // A header, 63 words of key and 3 of numbers.
  const users = Math.floor(SEGMENT_WORDS_MAX / 67);
  const big = 2 ** 31 - 1;
  const numbers = (i: number): Numbers => [big, -i - 1, big - i, 0];
  for (let i = 0; i < users; i++) set(segment, id(i), numbers(i));

  const { used, words } = segment;
  const before = words.slice(0, used);
  const full = (numbers: Numbers, id: string) =>
    assert.throws(
      () => set(segment, id, numbers),
      (error) =>
        error instanceof TableFullError &&
        /Cannot store a user: .* limit of 16777212 bytes/.test(error.message),
    );
  full([big, 2, big, 4], id(users));
  full([2 ** 40, 2, big, 2 ** 40], id(0));
  assert.equal(segment.words, words);
  assert.equal(segment.used, used);
  assert.ok(before.every((word, i) => word === words[i]));
  assert.equal(get(segment, id(users)), undefined);

  // Those who are stored can still be found and changed, and a short id fits.
  set(segment, id(0), [7, 7, 7, 7]);
  assert.deepEqual(get(segment, id(0)), [7, 7, 7, 7]);
  for (let i = 1; i < users; i++) {
    assert.deepEqual(get(segment, id(i)), numbers(i));
  }
  set(segment, "short", [1, 2, 3, 4]);
  assert.deepEqual(get(segment, "short"), [1, 2, 3, 4]);

  // Once enough of them are removed, others fit again.
  for (let i = 1; i < users / 60; i++) remove(segment, id(i));
  set(segment, id(users), [8, 8, 8, 8]);
  assert.deepEqual(get(segment, id(users)), [8, 8, 8, 8]);
  assert.deepEqual(get(segment, id(users - 1)), numbers(users - 1));
});

test("Segment changes nothing when memory is out, and works again when there is some", () => {
  for (const kind of ["records", "arrays"] as const) {
    const segment = createSegment();
    let failures = 0;
    for (let i = 0; i < 200; i++) {
      const before = rows(segment);
      withoutMemory(kind, () => {
        try {
          set(segment, `user-${i}`, [i, 0, 0, 0]);
          set(segment, `user-${i}`, [2 ** 40, 0, 0, 0]);
        } catch (error) {
          assert.ok(error instanceof TableFullError, String(error));
          assert.match(error.message, /no memory to grow a segment of/);
          assert.ok(error.cause instanceof RangeError);
          failures++;
        }
      });
      const after = rows(segment);
      after.delete(`user-${i}`);
      assert.deepEqual(after, before);
      set(segment, `user-${i}`, [i, 2 ** 50, 0, 0]);
      before.set(`user-${i}`, [i, 2 ** 50, 0, 0]);
      assert.deepEqual(rows(segment), before);
    }
    assert.ok(failures > 3, `${kind} grew only ${failures} times`);
  }
});
