/**
 * Random numbers that a seed replays.
 *
 * @module
 */

/** A small generator (mulberry32, by Tommy Ettinger): good enough for tests. */
export class Random {
  #state: number;

  /** @param seed Any 32-bit integer. */
  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns An integer from 0 to `below - 1`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * below);
  }

  /** @returns One of the values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }
}

/** A seed for a run that nobody has chosen one for. */
export function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
