/**
 * One segment of the user table: a small open-addressing hash table over typed
 * arrays that grows on its own.
 *
 * A record is a run of 32-bit words in one arena: a header, the key, the four
 * numbers. A lookup touches a slot and a record. With millions of users, these
 * two memory accesses cost more than the arithmetic.
 *
 * @module
 */

/** The most words of one segment's records (16 MiB): a slot has 22 bits for a place. */
export const SEGMENT_WORDS_MAX = 2 ** 22 - 1;

/** The growth factor of the arena: small, since memory costs more than copying. */
const GROWTH = 1.2;
/**
 * The growth factor up to the expected users. If segments grew to them in one
 * step, all of them would allocate at the same moment and stop everything else.
 */
const STEP = 4;
const WORDS_MIN = 32;
const SLOTS_MIN = 8;

/** The words of a typical record: a key of up to 12 bytes, narrow numbers. */
const WORDS_PER_USER = 8;

/** A segment is rebuilt with twice the slots when it is fuller than this. */
const SLOTS_LOAD_MAX = 0.75;

const PLACE_MASK = SEGMENT_WORDS_MAX;
const TAG_MASK = ~PLACE_MASK;

/** A record's header: its key's length in bytes, and two flags. */
const LENGTH_MASK = 0x1ff;
/** The numbers have two words each, low and high, instead of one. */
const WIDE = 0x200;
/** The record was removed, or replaced by a wider one further on. */
const DEAD = 0x400;

/** The segment can't take another record: it is full, or there is no memory. */
export class TableFullError extends RangeError {
  override name = "TableFullError";
}

/** The hash of the key of `length` bytes that begins at `words[at]`. */
export type HashKey = (
  words: Int32Array,
  at: number,
  length: number,
) => number;

/**
 * Records are appended and never moved. If a record's numbers need more than 32
 * bits, it is appended again, wide, and the old one is marked dead. Memory is
 * allocated before anything is written, so a failure changes nothing.
 */
export class Segment {
  /** The records, from word 0. */
  words: Int32Array<ArrayBuffer> = new Int32Array(WORDS_MIN);
  /** How many words are in use. Invariant: `used <= words.length`. */
  used = 0;
  /** 0 when free, else the hash's upper 10 bits and the record's place + 1. */
  #slots = new Int32Array(SLOTS_MIN);
  #users = 0;

  /**
   * @param hashShift How many low bits of a key's hash chose this segment; the
   * next ones choose the slot.
   * @param hashKey Hashes a key, which is needed when the slots grow.
   * @param usersExpected About how many users it will hold; up to that number
   * it grows in larger steps.
   */
  constructor(
    private readonly hashShift: number,
    private readonly hashKey: HashKey,
    private readonly usersExpected = 0,
  ) {}

  /**
   * @param hash The key's hash.
   * @param key A buffer that begins with the key, padded with zeros to a whole
   * word.
   * @param length The key's length in bytes.
   * @returns The record's place, or -1 if there is none.
   */
  find(hash: number, key: Int32Array, length: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const words = this.words;
    const tag = hash & TAG_MASK;
    const keyWords = (length + 3) >> 2;
    for (let at = (hash >>> this.hashShift) & mask;; at = (at + 1) & mask) {
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

  /**
   * @param place A record's place.
   * @param column 0 to 3, in the contract's order.
   * @returns The number.
   */
  read(place: number, column: number): number {
    return readNumber(this.words, place, column);
  }

  /** Whether a record has room for numbers beyond 32 bits. */
  isWide(place: number): boolean {
    return (this.words[place] & WIDE) !== 0;
  }

  /** Overwrites a record's numbers; beyond 32 bits only if it is wide. */
  write(place: number, a: number, b: number, c: number, d: number): void {
    const words = this.words;
    const header = words[place];
    const at = place + 1 + (((header & LENGTH_MASK) + 3) >> 2);
    if ((header & WIDE) === 0) {
      words[at] = a;
      words[at + 1] = b;
      words[at + 2] = c;
      words[at + 3] = d;
    } else {
      writeWide(words, at, a);
      writeWide(words, at + 2, b);
      writeWide(words, at + 4, c);
      writeWide(words, at + 6, d);
    }
  }

  /**
   * Appends a record for a key that the segment does not have. The caller
   * writes the numbers.
   *
   * @returns The record's place.
   * @throws {TableFullError} If the segment can't grow; nothing has changed.
   */
  append(
    hash: number,
    key: Int32Array,
    length: number,
    wide: boolean,
  ): number {
    const place = this.#reserve(length, wide);
    if (this.#users + 1 > this.#slots.length * SLOTS_LOAD_MAX) {
      this.#growSlots();
    }
    this.#writeKey(place, key, length, wide);
    this.#link(this.#slots, hash, place);
    this.#users++;
    return place;
  }

  /**
   * Replaces a narrow record with a wide one; the narrow one becomes dead.
   *
   * @param hash The hash of its key.
   * @param place Where the narrow record is.
   * @param key A buffer that begins with its key.
   * @returns The new record's place; the caller writes its numbers.
   * @throws {TableFullError} If the segment can't grow; nothing has changed.
   */
  widen(hash: number, place: number, key: Int32Array): number {
    const length = this.words[place] & LENGTH_MASK;
    const wider = this.#reserve(length, true);
    this.#writeKey(wider, key, length, true);
    this.words[place] |= DEAD;
    this.#slots[this.#slotOf(hash, place)] = (hash & TAG_MASK) | (wider + 1);
    return wider;
  }

  /**
   * Removes a record.
   *
   * @param hash The hash of its key.
   * @param place Where it is.
   */
  remove(hash: number, place: number): void {
    this.words[place] |= DEAD;
    this.#freeSlot(this.#slotOf(hash, place));
    this.#users--;
  }

  /** The slot of a record that is not dead. */
  #slotOf(hash: number, place: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (hash >>> this.hashShift) & mask;
    while ((slots[at] & PLACE_MASK) !== place + 1) at = (at + 1) & mask;
    return at;
  }

  /**
   * Frees a slot and closes the gap: each of the next slots moves into it that
   * a search would otherwise no longer reach. So searches are as short as if
   * the record had never been there.
   */
  #freeSlot(gap: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const place = (slots[at] & PLACE_MASK) - 1;
      const length = this.words[place] & LENGTH_MASK;
      const home = this.hashKey(this.words, place + 1, length) >>>
        this.hashShift;
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        slots[gap] = slots[at];
        gap = at;
      }
    }
    slots[gap] = 0;
  }

  /** Makes room for a record and returns its place. */
  #reserve(length: number, wide: boolean): number {
    const place = this.used;
    const end = place + recordWords(length, wide);
    if (end > SEGMENT_WORDS_MAX) {
      throw new TableFullError(
        `Cannot store a user: a segment of the table has reached its limit of ${
          4 * SEGMENT_WORDS_MAX
        } bytes`,
      );
    }
    if (end > this.words.length) {
      const length = Math.max(
        Math.ceil(end * GROWTH),
        Math.min(end * STEP, this.usersExpected * WORDS_PER_USER),
      );
      // `transfer` frees the old buffer without the garbage collector.
      this.words = allocate(
        () => new Int32Array(this.words.buffer.transfer(4 * length)),
        `to grow a segment of ${this.#users} users`,
      );
    }
    return place;
  }

  #writeKey(
    place: number,
    key: Int32Array,
    length: number,
    wide: boolean,
  ): void {
    const words = this.words;
    const keyWords = (length + 3) >> 2;
    words[place] = wide ? length | WIDE : length;
    for (let i = 0; i < keyWords; i++) words[place + 1 + i] = key[i];
    this.used = place + recordWords(length, wide);
  }

  #growSlots(): void {
    const step = this.#users * STEP < this.usersExpected ? STEP : 2;
    const slots = allocate(
      () => new Int32Array(this.#slots.length * step),
      `to grow a segment of ${this.#users} users`,
    );
    forEachRecord(this.words, this.used, (place, length) => {
      this.#link(slots, this.hashKey(this.words, place + 1, length), place);
    });
    this.#slots = slots;
  }

  #link(slots: Int32Array, hash: number, place: number): void {
    const mask = slots.length - 1;
    let at = (hash >>> this.hashShift) & mask;
    while (slots[at] !== 0) at = (at + 1) & mask;
    slots[at] = (hash & TAG_MASK) | (place + 1);
  }
}

/**
 * @param attempt Allocates memory; changes nothing if there is none.
 * @param purpose What the memory is for, as the error says it.
 * @returns What `attempt` returns.
 * @throws {TableFullError} If there is no memory.
 */
export function allocate<T>(attempt: () => T, purpose: string): T {
  try {
    return attempt();
  } catch (cause) {
    throw new TableFullError(`Cannot store a user: no memory ${purpose}`, {
      cause,
    });
  }
}

/** The words of a record with a key of `length` bytes. */
function recordWords(length: number, wide: boolean): number {
  return 1 + ((length + 3) >> 2) + (wide ? 8 : 4);
}

function writeWide(words: Int32Array, at: number, value: number): void {
  const low = value | 0;
  words[at] = low;
  // `value | 0` is the value modulo 2^32, so the rest divides exactly.
  words[at + 1] = (value - (low >>> 0)) / 4294967296;
}

/**
 * @param words A segment's records or a copy of them.
 * @param place A record's place.
 * @param column 0 to 3, in the contract's order.
 * @returns The number.
 */
export function readNumber(
  words: Int32Array,
  place: number,
  column: number,
): number {
  const header = words[place];
  const at = place + 1 + (((header & LENGTH_MASK) + 3) >> 2);
  if ((header & WIDE) === 0) return words[at + column];
  return words[at + 2 * column + 1] * 4294967296 +
    (words[at + 2 * column] >>> 0);
}

/**
 * Calls `visit` with the place and key length in bytes of each record that is
 * not dead, in the order of their places.
 *
 * @param words A segment's records or a copy of them.
 * @param used How many words are in use.
 */
export function forEachRecord(
  words: Int32Array,
  used: number,
  visit: (place: number, length: number) => void,
): void {
  for (let place = 0; place < used;) {
    const header = words[place];
    const length = header & LENGTH_MASK;
    if ((header & DEAD) === 0) visit(place, length);
    place += recordWords(length, (header & WIDE) !== 0);
  }
}
