/**
 * One segment of the user table: a small hash table over typed arrays that grows
 * on its own.
 *
 * A lookup touches a slot and a record. With millions of users, these two memory
 * accesses cost more than the arithmetic.
 *
 * @module
 */
import { readNumbers, widest, writeNumbers } from "./packed_numbers.ts";
import {
  DEAD,
  keyWords,
  LENGTH_MASK,
  recordHeader,
  recordWords,
  widthsIn,
} from "./record.ts";
import {
  addRecord,
  addRecords,
  compactRecords,
  findRecord,
  type HashKey,
  moveRecord,
  PLACE_MASK,
  removeRecord,
} from "./slots.ts";
import { allocate, TableFullError } from "./table_full_error.ts";

/** The most words of one segment's records (16 MiB): a slot has 22 bits for a place. */
export const SEGMENT_WORDS_MAX = PLACE_MASK;

/** The growth factor of the records: small, since memory costs more than copying. */
const GROWTH = 1.1;
/**
 * The growth factor up to the expected users. If segments grew to them in one
 * step, all of them would allocate at the same moment and stop everything else.
 */
const STEP = 4;
const WORDS_MIN = 32;
const SLOTS_MIN = 8;

/** The words of a typical record: a key of up to 12 bytes, numbers of up to 8. */
const WORDS_PER_USER = 6;

/**
 * Which share of the words must be dead, so that the others move together
 * instead of growing. With it and {@linkcode GROWTH}, deletions leave at most
 * 1.1 / (7 / 8) words for each one that is needed.
 */
const DEAD_SHARE_MIN = 1 / 8;
/** The same where the segment can't grow: a bound on how often they move. */
const DEAD_SHARE_MIN_AT_LIMIT = 1 / 64;
/** The segment gives memory back when it needs less than this share of it. */
const NEED_SHARE_MIN = 1 / 4;

/** The slots grow when more than this share of them is taken. */
const SLOTS_LOAD_MAX = 0.75;

/**
 * Records are appended. If a record's numbers need more words than it has, it is
 * appended again, wider, and the old one is marked dead, as a removed one is.
 * Once enough of them are dead, the others move together. Memory is allocated
 * before anything is written, so a failure changes nothing.
 */
export class Segment {
  /** The records, from word 0. */
  words: Int32Array<ArrayBuffer> = new Int32Array(WORDS_MIN);
  /** How many words are in use. Invariant: `used <= words.length`. */
  used = 0;
  /** How many of them dead records have. Invariant: `0 <= dead <= used`. */
  #dead = 0;
  /** Invariant: at most {@linkcode SLOTS_LOAD_MAX} of them are taken. */
  #slots = new Int32Array(SLOTS_MIN);
  /** Invariant: as many slots are taken, and as many records are not dead. */
  #users = 0;

  /**
   * @param hashKey Hashes a key, which is needed when slots move.
   * @param usersExpected About how many users it will hold; up to that number
   * it grows in larger steps.
   * @param beforeMove Called before records move, for those who read
   * {@linkcode words} meanwhile. What it throws ends the move.
   */
  constructor(
    private readonly hashKey: HashKey,
    private readonly usersExpected = 0,
    private readonly beforeMove: () => void = () => {},
  ) {}

  /** How many bytes records and slots have, used or not. */
  get bytes(): number {
    return this.words.byteLength + this.#slots.byteLength;
  }

  /**
   * @param hash The key's hash.
   * @param key A buffer that begins with the key, padded with zeros to a whole
   * word.
   * @param length The key's length in bytes.
   * @returns The record's place, or -1 if there is none.
   */
  find(hash: number, key: Int32Array, length: number): number {
    return findRecord(this.#slots, this.words, hash, key, length);
  }

  /**
   * Reads a record's numbers.
   *
   * @param place A record's place.
   * @param into Gets them as its first four elements.
   */
  read(place: number, into: Float64Array): void {
    const header = this.words[place];
    const at = place + 1 + keyWords(header);
    readNumbers(this.words, at, widthsIn(header), into, 0);
  }

  /** Whether a record has room for numbers of these widths. */
  hasRoom(place: number, widths: number): boolean {
    const has = widthsIn(this.words[place]);
    return has === widths || widest(has, widths) === has;
  }

  /** Overwrites a record's numbers, for which it must have room. */
  write(place: number, a: number, b: number, c: number, d: number): void {
    const header = this.words[place];
    const at = place + 1 + keyWords(header);
    writeNumbers(this.words, at, widthsIn(header), a, b, c, d);
  }

  /**
   * Appends a record for a key that the segment does not have. The caller
   * writes the numbers.
   *
   * @param hash The key's hash.
   * @param key A buffer that begins with the key, as for {@linkcode find}.
   * @param length The key's length in bytes.
   * @param widths The widths that the numbers need.
   * @returns The record's place; those of other records may have changed.
   * @throws {TableFullError} If the segment can't grow; nothing has changed.
   */
  append(
    hash: number,
    key: Int32Array,
    length: number,
    widths: number,
  ): number {
    const header = recordHeader(length, widths);
    this.#reserve(recordWords(header));
    if (this.#users + 1 > this.#slots.length * SLOTS_LOAD_MAX) {
      const step = this.#users * STEP < this.usersExpected ? STEP : 2;
      this.#resizeSlots(this.#slots.length * step);
    }
    const place = this.#writeKey(header, key);
    addRecord(this.#slots, hash, place);
    this.#users++;
    return place;
  }

  /**
   * Gives a record room for larger numbers: where it is if its last word has
   * room for them, else in a new record; the old one becomes dead then.
   *
   * @param hash The hash of its key.
   * @param key A buffer that begins with its key.
   * @param place Where it is.
   * @param widths The widths that the numbers need.
   * @returns The record's place; the caller writes its numbers.
   * @throws {TableFullError} If the segment can't grow; nothing has changed.
   */
  widen(hash: number, key: Int32Array, place: number, widths: number): number {
    const narrow = this.words[place];
    const length = narrow & LENGTH_MASK;
    const header = recordHeader(length, widest(widthsIn(narrow), widths));
    if (recordWords(header) === recordWords(narrow)) {
      this.words[place] = header;
      return place;
    }
    this.#reserve(recordWords(header));
    // Not before: the record may have moved.
    const old = this.find(hash, key, length);
    const next = this.#writeKey(header, key);
    moveRecord(this.#slots, hash, old, next);
    this.#bury(old);
    return next;
  }

  /**
   * Removes a record. The places of the others may change.
   *
   * @param hash The hash of its key.
   * @param place Where it is.
   */
  remove(hash: number, place: number): void {
    removeRecord(this.#slots, this.words, hash, place, this.hashKey);
    this.#users--;
    this.#bury(place);
    this.#shrink();
  }

  /** Marks a record dead. */
  #bury(place: number): void {
    this.#dead += recordWords(this.words[place]);
    this.words[place] |= DEAD;
  }

  /** Makes room for so many words after those in use. */
  #reserve(count: number): void {
    const end = this.used + count;
    if (end <= this.words.length) return;
    const share = end > SEGMENT_WORDS_MAX
      ? DEAD_SHARE_MIN_AT_LIMIT
      : DEAD_SHARE_MIN;
    const room = this.words.length - (end - this.#dead);
    if (room >= 0 && this.#dead >= this.used * share) this.#compact();
    else this.#grow(end);
  }

  #grow(end: number): void {
    if (end > SEGMENT_WORDS_MAX) {
      throw new TableFullError(
        `Cannot store a user: a segment of the table has reached its limit of ${
          4 * SEGMENT_WORDS_MAX
        } bytes`,
      );
    }
    const length = Math.max(
      Math.ceil(end * GROWTH),
      Math.min(end * STEP, this.usersExpected * WORDS_PER_USER),
    );
    this.#resizeWords(Math.min(length, SEGMENT_WORDS_MAX));
  }

  #resizeWords(length: number): void {
    // `transfer` frees the old buffer without the garbage collector.
    this.words = allocate(
      () => new Int32Array(this.words.buffer.transfer(4 * length)),
      `to grow a segment of ${this.#users} users`,
    );
  }

  #resizeSlots(length: number): void {
    const slots = allocate(
      () => new Int32Array(length),
      `to grow a segment of ${this.#users} users`,
    );
    addRecords(slots, this.words, this.used, this.hashKey);
    this.#slots = slots;
  }

  /** Moves the records together. At 10 million users: 10,000 records. */
  #compact(): void {
    this.beforeMove();
    this.used = compactRecords(this.#slots, this.words, this.used);
    this.#dead = 0;
  }

  /** Gives memory back if most of it is not needed. */
  #shrink(): void {
    const live = this.used - this.#dead;
    const length = Math.max(Math.ceil(live * GROWTH), WORDS_MIN);
    if (length > this.words.length * NEED_SHARE_MIN) return;
    let slotsLength = SLOTS_MIN;
    while (slotsLength * SLOTS_LOAD_MAX < this.#users * 2) slotsLength *= 2;
    try {
      this.#compact();
      this.#resizeWords(length);
      if (slotsLength < this.#slots.length) this.#resizeSlots(slotsLength);
    } catch (error) {
      // No memory to move to: it stays as it is.
      if (!(error instanceof TableFullError)) throw error;
    }
  }

  /** Writes a record's header and key after the words in use. */
  #writeKey(header: number, key: Int32Array): number {
    const words = this.words;
    const place = this.used;
    const count = keyWords(header);
    words[place] = header;
    for (let i = 0; i < count; i++) words[place + 1 + i] = key[i];
    this.used = place + recordWords(header);
    return place;
  }
}
