/**
 * The seeded hash that places a key in the user table.
 *
 * HalfSipHash-1-3 with a 64-bit key and a 32-bit result: a keyed hash of 32-bit
 * operations only, which are fast in JavaScript. A client that does not know
 * the key can't choose ids that collide.
 * Source: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input
 * PRF", 2012, and HalfSipHash in its authors' reference implementation.
 *
 * @module
 */

/**
 * Hashes a key of whole words.
 *
 * @param seed0 The low half of the hash's key: 32 bits.
 * @param seed1 The high half of the hash's key: 32 bits.
 * @param words Holds the key's bytes, little end first, the last word padded
 * with zeros.
 * @param at The index of the key's first word.
 * @param length The key's length in bytes.
 * @returns A signed 32-bit integer.
 */
export function hashKey(
  seed0: number,
  seed1: number,
  words: Int32Array,
  at: number,
  length: number,
): number {
  let v0 = seed0 | 0;
  let v1 = seed1 | 0;
  let v2 = 0x6c796765 ^ seed0;
  let v3 = 0x74656462 ^ seed1;
  const full = length >> 2;
  // One round a word, one for the tail with the length, three to finish.
  for (let round = 0; round < full + 4; round++) {
    let word = 0;
    if (round < full) {
      word = words[at + round];
    } else if (round === full) {
      word = length << 24;
      if ((length & 3) !== 0) word |= words[at + full];
    } else if (round === full + 1) {
      v2 ^= 0xff;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5) | (v1 >>> 27);
    v1 ^= v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8) | (v3 >>> 24);
    v3 ^= v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 7) | (v3 >>> 25);
    v3 ^= v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 13) | (v1 >>> 19);
    v1 ^= v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
