/**
 * The slots of a segment: an open-addressing hash table of its records' places.
 *
 * A slot is 0 when free, else it has the hash's upper 10 bits and the record's
 * place + 1. Invariant: no slot is free from the one that a record's hash names
 * up to the record's own. They are functions of plain arrays, since an object
 * between a segment and its slots would cost a lookup a twentieth.
 *
 * @module
 */
import {
  forEachRecord,
  HEADER_BITS,
  LENGTH_MASK,
  recordWords,
} from "./record.ts";

/** How many low bits of a key's hash choose its segment; the next ones its slot. */
export const SEGMENT_BITS = 10;

/**
 * A slot's bits for a record's place, one more than it: as many as a header
 * has, since the two change places while records move.
 */
export const PLACE_MASK = 2 ** HEADER_BITS - 1;
const TAG_MASK = ~PLACE_MASK;

/** The hash of the key of `length` bytes that begins at `words[at]`. */
export type HashKey = (
  words: Int32Array,
  at: number,
  length: number,
) => number;

/**
 * @param slots The segment's slots, a power of 2, at least one of them free.
 * @param words The segment's records.
 * @param hash The key's hash.
 * @param key A buffer that begins with the key, padded with zeros to a whole
 * word.
 * @param length The key's length in bytes.
 * @returns The record's place, or -1 if there is none.
 */
export function findRecord(
  slots: Int32Array,
  words: Int32Array,
  hash: number,
  key: Int32Array,
  length: number,
): number {
  const mask = slots.length - 1;
  const tag = hash & TAG_MASK;
  const keyWords = (length + 3) >> 2;
  for (let at = (hash >>> SEGMENT_BITS) & mask;; at = (at + 1) & mask) {
    const slot = slots[at];
    if (slot === 0) return -1;
    if ((slot & TAG_MASK) !== tag) continue;
    const place = (slot & PLACE_MASK) - 1;
    if ((words[place] & LENGTH_MASK) !== length) continue;
    let i = 0;
    while (i < keyWords && words[place + 1 + i] === key[i]) i++;
    if (i === keyWords) return place;
  }
}

/** Adds a record of this hash; at least two slots are free. */
export function addRecord(
  slots: Int32Array,
  hash: number,
  place: number,
): void {
  const mask = slots.length - 1;
  let at = (hash >>> SEGMENT_BITS) & mask;
  while (slots[at] !== 0) at = (at + 1) & mask;
  slots[at] = (hash & TAG_MASK) | (place + 1);
}

/** Notes that the record of this hash at `place` is at `next` from now on. */
export function moveRecord(
  slots: Int32Array,
  hash: number,
  place: number,
  next: number,
): void {
  slots[slotOf(slots, hash, place)] = (hash & TAG_MASK) | (next + 1);
}

/** The slot of the record of this hash at `place`. */
function slotOf(slots: Int32Array, hash: number, place: number): number {
  const mask = slots.length - 1;
  let at = (hash >>> SEGMENT_BITS) & mask;
  while ((slots[at] & PLACE_MASK) !== place + 1) at = (at + 1) & mask;
  return at;
}

/**
 * Removes a record and closes the gap: later slots move into it where a search
 * would otherwise end too early. So searches stay as short as if the record had
 * never been there.
 *
 * @param slots The segment's slots.
 * @param words The segment's records.
 * @param hash The hash of the record's key.
 * @param place Its place.
 * @param hashKey Hashes the keys of the next slots: 3 on average, as the slots
 * fill and grow.
 */
export function removeRecord(
  slots: Int32Array,
  words: Int32Array,
  hash: number,
  place: number,
  hashKey: HashKey,
): void {
  const mask = slots.length - 1;
  let gap = slotOf(slots, hash, place);
  for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
    const place = (slots[at] & PLACE_MASK) - 1;
    const length = words[place] & LENGTH_MASK;
    const home = hashKey(words, place + 1, length) >>> SEGMENT_BITS;
    if (((at - home) & mask) >= ((at - gap) & mask)) {
      slots[gap] = slots[at];
      gap = at;
    }
  }
  slots[gap] = 0;
}

/** Adds all records that are not dead to slots that are free. */
export function addRecords(
  slots: Int32Array,
  words: Int32Array,
  used: number,
  hashKey: HashKey,
): void {
  forEachRecord(words, used, (place, length) => {
    addRecord(slots, hashKey(words, place + 1, length), place);
  });
}

/**
 * Moves the records together, over the dead ones, without hashing and without
 * more memory: each record's header changes places with the slot's number, so
 * that the record says for a while where its slot is.
 *
 * @param slots The segment's slots.
 * @param words The segment's records, changed in place.
 * @param used How many words are in use.
 * @returns How many words are in use then: those of the records alone.
 */
export function compactRecords(
  slots: Int32Array,
  words: Int32Array,
  used: number,
): number {
  for (let at = 0; at < slots.length; at++) {
    const slot = slots[at];
    if (slot === 0) continue;
    const place = (slot & PLACE_MASK) - 1;
    slots[at] = (slot & TAG_MASK) | words[place];
    words[place] = ~at;
  }
  let end = 0;
  for (let place = 0; place < used;) {
    const word = words[place];
    // Only dead records still have their headers, which are positive.
    if (word >= 0) {
      place += recordWords(word);
      continue;
    }
    const slot = slots[~word];
    const header = slot & PLACE_MASK;
    slots[~word] = (slot & TAG_MASK) | (end + 1);
    words[end++] = header;
    const next = place + recordWords(header);
    for (let from = place + 1; from < next; from++) words[end++] = words[from];
    place = next;
  }
  return end;
}
