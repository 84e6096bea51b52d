/**
 * A set of ids, for telling which users are not in a file. It keeps no id but 16
 * bytes of its hash, in many small segments that grow one at a time, so that
 * growth never stops the process.
 *
 * An id that was not added is taken for one that was with a probability of
 * 2^-127 for each pair of ids: with a hundred million in the file and as many
 * that are not, 1 in 10^22 such sets has one. Nobody can choose such ids, since
 * the keys of the hash are random and secret.
 *
 * @module
 */
import { USER_ID_BYTES_MAX } from "../user_grade.ts";
import { hashKey } from "./key_hash.ts";
import type { RowBlock } from "./row_block.ts";

/** How many low bits of a hash choose its segment. */
const SEGMENT_BITS = 10;

/** How many words a hash has. */
const HASH_WORDS = 4;

/** How many hashes a new segment has room for. */
const SLOTS_MIN = 8;

/** There is no memory for another id. */
export class SeenIdsFullError extends Error {
  override name = "SeenIdsFullError";
}

/** Some of the hashes, with open addressing. */
class HashSegment {
  /** Invariant: an empty slot has 0 in its last word, which no hash has. */
  #words = new Int32Array(HASH_WORDS * SLOTS_MIN);
  #count = 0;

  /** How many hashes it has. */
  get size(): number {
    return this.#count;
  }

  /** @returns Whether it has a hash. */
  has(hash: Int32Array): boolean {
    return this.#words[this.#slotOf(hash) + HASH_WORDS - 1] !== 0;
  }

  /** Adds a hash; one that it has already changes nothing. */
  add(hash: Int32Array): void {
    const slot = this.#slotOf(hash);
    if (this.#words[slot + HASH_WORDS - 1] !== 0) return;
    // A quarter of the slots stays empty, which ends each search soon.
    if (4 * HASH_WORDS * (this.#count + 1) > 3 * this.#words.length) {
      this.#grow();
      return this.add(hash);
    }
    this.#words.set(hash, slot);
    this.#count++;
  }

  /** The first word of the slot that has a hash, or else of its empty one. */
  #slotOf(hash: Int32Array): number {
    const words = this.#words;
    const last = words.length - 1;
    let slot = (HASH_WORDS * (hash[0] >>> SEGMENT_BITS)) & last;
    while (
      words[slot + 3] !== 0 &&
      (words[slot] !== hash[0] || words[slot + 1] !== hash[1] ||
        words[slot + 2] !== hash[2] || words[slot + 3] !== hash[3])
    ) slot = (slot + HASH_WORDS) & last;
    return slot;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Int32Array(2 * old.length);
    for (let at = 0; at < old.length; at += HASH_WORDS) {
      if (old[at + HASH_WORDS - 1] === 0) continue;
      const hash = old.subarray(at, at + HASH_WORDS);
      this.#words.set(hash, this.#slotOf(hash));
    }
  }
}

/** The ids of a file's rows. */
export class SeenIds {
  readonly #segments: (HashSegment | undefined)[] = new Array(
    1 << SEGMENT_BITS,
  );
  /** An id, padded with zeros to a whole word. */
  readonly #key = new Int32Array(USER_ID_BYTES_MAX / 4);
  readonly #keyBytes = new Uint8Array(this.#key.buffer);
  readonly #hash = new Int32Array(HASH_WORDS);

  /** @param seeds The keys of the hash: eight random 32-bit integers. */
  constructor(
    private readonly seeds: ArrayLike<number> = crypto.getRandomValues(
      new Uint32Array(2 * HASH_WORDS),
    ),
  ) {}

  /** How many different ids were added. */
  get size(): number {
    return this.#segments.reduce((sum, one) => sum + (one?.size ?? 0), 0);
  }

  /**
   * Adds the ids of some rows.
   *
   * @throws {SeenIdsFullError} If there is no memory for them.
   */
  add(rows: RowBlock): void {
    try {
      for (let row = 0; row < rows.count; row++) {
        const at = this.#hashOf(rows, row);
        (this.#segments[at] ??= new HashSegment()).add(this.#hash);
      }
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new SeenIdsFullError(
        "Cannot remember the ids of a file: there is no memory for more",
        { cause },
      );
    }
  }

  /** @returns The rows whose ids were not added. */
  unseen(rows: RowBlock): number[] {
    const unseen: number[] = [];
    for (let row = 0; row < rows.count; row++) {
      const at = this.#hashOf(rows, row);
      if (!this.#segments[at]?.has(this.#hash)) unseen.push(row);
    }
    return unseen;
  }

  /** Hashes the id of a row. @returns The segment of the hash. */
  #hashOf({ keys, keyEnds }: RowBlock, row: number): number {
    const start = row === 0 ? 0 : keyEnds[row - 1];
    const length = keyEnds[row] - start;
    this.#key[(length - 1) >> 2] = 0;
    for (let i = 0; i < length; i++) this.#keyBytes[i] = keys[start + i];
    const { seeds } = this;
    for (let i = 0; i < HASH_WORDS; i++) {
      const key = this.#key;
      this.#hash[i] = hashKey(seeds[2 * i], seeds[2 * i + 1], key, 0, length);
    }
    this.#hash[HASH_WORDS - 1] |= 1;
    return this.#hash[0] & (this.#segments.length - 1);
  }
}
