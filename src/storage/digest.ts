/**
 * The digest: 64 bits that depend on the stored records alone, not on their
 * order or history, so that two replicas can show that they are equal.
 *
 * Each record has two independent 32-bit hashes; the digest is their two sums
 * modulo 2^32. Adding or removing a record costs a few multiplications, however
 * many records there are.
 *
 * @module
 */

/** Two 32-bit sums over the records' hashes. */
export class Digest {
  #high = 0;
  #low = 0;
  #keyHigh = 0;
  #keyLow = 0;
  /** The digest as it was told last, and its two sums. */
  #told = "0000000000000000";
  #toldHigh = 0;
  #toldLow = 0;

  /**
   * Selects the key for the next calls of {@linkcode add} and
   * {@linkcode remove}, so that an update hashes it once.
   *
   * @param words The key's UTF-8 bytes, little end first, the last word padded
   * with zeros.
   * @param length The key's length in bytes.
   */
  selectKey(words: Int32Array, length: number): void {
    let high = length;
    let low = ~length;
    const count = (length + 3) >> 2;
    for (let i = 0; i < count; i++) {
      high = Math.imul(high ^ words[i], 0x85ebca6b);
      high ^= high >>> 13;
      low = Math.imul(low ^ words[i], 0x9e3779b1);
      low ^= low >>> 15;
    }
    this.#keyHigh = high;
    this.#keyLow = low;
  }

  /** Adds the record of the selected key with these four safe integers. */
  add(a: number, b: number, c: number, d: number): void {
    const high = hashNumbers(this.#keyHigh, 0xc2b2ae35, a, b, c, d);
    const low = hashNumbers(this.#keyLow, 0x9e3779b1, a, b, c, d);
    this.#high = (this.#high + high) | 0;
    this.#low = (this.#low + low) | 0;
  }

  /** Takes over the current value of another digest. */
  copy(other: Digest): void {
    this.#high = other.#high;
    this.#low = other.#low;
  }

  /** Removes a record that was added before. */
  remove(a: number, b: number, c: number, d: number): void {
    const high = hashNumbers(this.#keyHigh, 0xc2b2ae35, a, b, c, d);
    const low = hashNumbers(this.#keyLow, 0x9e3779b1, a, b, c, d);
    this.#high = (this.#high - high) | 0;
    this.#low = (this.#low - low) | 0;
  }

  /** @returns 16 lower-case hex digits; all zeros for no records. */
  toString(): string {
    const isTold = this.#high === this.#toldHigh && this.#low === this.#toldLow;
    if (!isTold) {
      const hex = (half: number) => (half >>> 0).toString(16).padStart(8, "0");
      this.#toldHigh = this.#high;
      this.#toldLow = this.#low;
      this.#told = hex(this.#high) + hex(this.#low);
    }
    return this.#told;
  }
}

/** Mixes the four numbers, in order, into a key's hash. */
function hashNumbers(
  hash: number,
  multiplier: number,
  a: number,
  b: number,
  c: number,
  d: number,
): number {
  hash = mixNumber(hash, multiplier, a);
  hash = mixNumber(hash, multiplier, b);
  hash = mixNumber(hash, multiplier, c);
  hash = mixNumber(hash, multiplier, d);
  // The finalizer of MurmurHash3: every input bit reaches every output bit.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Mixes one safe integer, both its 32-bit halves, into a hash. */
function mixNumber(hash: number, multiplier: number, value: number): number {
  const low = value | 0;
  // `value | 0` is the value modulo 2^32, so the rest divides exactly.
  const high = value === low ? low >> 31 : (value - (low >>> 0)) / 4294967296;
  hash = Math.imul(hash ^ low, multiplier);
  hash ^= hash >>> 15;
  hash = Math.imul(hash ^ high, 0x27d4eb2f);
  return hash ^ (hash >>> 13);
}
