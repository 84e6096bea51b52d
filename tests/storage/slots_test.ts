import assert from "node:assert/strict";
import fc from "fast-check";
import { LENGTH_MASK } from "../../src/storage/record.ts";
import {
  addRecord,
  PLACE_MASK,
  removeRecord,
  SEGMENT_BITS,
} from "../../src/storage/slots.ts";

/** Keys of one word that are their own hashes, beside a home slot each. */
const hashKey = (words: Int32Array, at: number) => words[at] << SEGMENT_BITS;

Deno.test(
  "removeRecord() leaves slots as if the record had never been there",
  { permissions: "none" },
  () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(15), fc.boolean()), {
          maxLength: 60,
          size: "max",
        }),
        (steps) => {
          const slots = new Int32Array(16);
          const words = new Int32Array(400);
          let used = 0;
          /** The places of the records that are there. */
          const places: number[] = [];
          for (const [value, add] of steps) {
            if (add && places.length < 12) {
              words[used] = 4;
              words[used + 1] = value;
              addRecord(slots, value << SEGMENT_BITS, used);
              places.push(used);
              used += 2;
            } else if (places.length > 0) {
              const [place] = places.splice(value % places.length, 1);
              const hash = hashKey(words, place + 1);
              removeRecord(slots, words, hash, place, hashKey);
            }
            checkSlots(slots, words, places);
          }
        },
      ),
      { numRuns: 3000 },
    );
  },
);

/** Checks that the slots have these records, and that each search finds its. */
function checkSlots(
  slots: Int32Array,
  words: Int32Array,
  places: readonly number[],
): void {
  const found: number[] = [];
  slots.forEach((slot, at) => {
    if (slot === 0) return;
    const place = (slot & PLACE_MASK) - 1;
    assert.equal(words[place] & LENGTH_MASK, 4);
    found.push(place);
    const home = (hashKey(words, place + 1) >>> SEGMENT_BITS) & 15;
    for (let between = home; between !== at; between = (between + 1) & 15) {
      assert.notEqual(slots[between], 0, `nobody finds ${place} in ${slots}`);
    }
  });
  const ascending = (a: number, b: number) => a - b;
  assert.deepEqual(found.toSorted(ascending), places.toSorted(ascending));
}
