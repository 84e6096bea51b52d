/**
 * Keys for the tests of the storage: ids as the words that it stores, and ids
 * that an attacker who knew a seed would choose.
 *
 * @module
 */
import { hashKey } from "../../src/storage/key_hash.ts";

/** A key: its UTF-8 bytes in whole words, and how many bytes they are. */
export interface Key {
  readonly words: Int32Array<ArrayBuffer>;
  readonly length: number;
}

/** @returns The key of an id. */
export function toKey(id: string): Key {
  return bytesToKey(new TextEncoder().encode(id));
}

/** @returns The key of these bytes. */
export function bytesToKey(bytes: Uint8Array): Key {
  const padded = new Uint8Array((bytes.length + 3) & ~3);
  padded.set(bytes);
  return { words: new Int32Array(padded.buffer), length: bytes.length };
}

/** The two halves of a hash's key. */
export type Seed = readonly [number, number];

/** @returns The hash of an id. */
export function hashId([seed0, seed1]: Seed, id: string): number {
  const { words, length } = toKey(id);
  return hashKey(seed0, seed1, words, 0, length);
}

/**
 * Searches ids of eight hex digits whose hashes share their low bits.
 *
 * @param seed The hash's key.
 * @param bits How many low bits are to be zero.
 * @param count How many ids to find.
 */
export function collidingIds(
  [seed0, seed1]: Seed,
  bits: number,
  count: number,
): string[] {
  const mask = (1 << bits) - 1;
  const ids: string[] = [];
  // Digits are written in place: millions of ids are tried for each test.
  const words = new Int32Array(2);
  const bytes = new Uint8Array(words.buffer);
  for (let i = 0; ids.length < count; i++) {
    for (let digit = 0; digit < 8; digit++) {
      bytes[digit] = "0123456789abcdef".charCodeAt((i >>> (4 * digit)) & 15);
    }
    if ((hashKey(seed0, seed1, words, 0, 8) & mask) === 0) {
      ids.push(String.fromCharCode(...bytes));
    }
  }
  return ids;
}
