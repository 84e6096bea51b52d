/**
 * Rows on the way into or out of storage, as columns. There is no object per
 * row, so millions of rows are no work for the garbage collector, and they can
 * move to another thread without copying.
 *
 * @module
 */

/**
 * Some rows. Row `i` has the key bytes from `keyEnds[i - 1]` (0 for the first)
 * to `keyEnds[i]` and the numbers from `numbers[4 * i]` to `numbers[4 * i + 3]`.
 */
export interface RowBlock {
  /** The number of rows. */
  readonly count: number;
  /** The UTF-8 bytes of all keys, one after the other. */
  readonly keys: Uint8Array<ArrayBuffer>;
  /** Where each key ends in `keys`, ascending. */
  readonly keyEnds: Uint32Array<ArrayBuffer>;
  /** The four numbers of each row, in the contract's order. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** @returns The buffers of some rows, to transfer them to another thread. */
export function blockBuffers(block: RowBlock): ArrayBuffer[] {
  return [block.keys.buffer, block.keyEnds.buffer, block.numbers.buffer];
}
