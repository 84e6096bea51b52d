import type { RowBlock } from "../../storage/row_block.ts";
import { USER_ID_BYTES_MAX } from "../../user_grade.ts";

/** The most bytes of keys in a block. */
const BLOCK_KEY_BYTES_MAX = 128 * 1024;

/** Rows that were read, with the lines that they stood on. */
export interface ReadRows extends RowBlock {
  /** The line of each row, from 1 for the header. */
  readonly lines: Uint32Array;
}

/** Gathers rows into a block. */
export class RowBuilder {
  readonly keys = new Uint8Array(BLOCK_KEY_BYTES_MAX);
  readonly keyEnds: Uint32Array<ArrayBuffer>;
  /** Invariant: `NaN`, which stands for a number that is not given, behind the last row. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly lines: Uint32Array<ArrayBuffer>;
  count = 0;

  /** @param rowsMax The most rows of a block. */
  constructor(private readonly rowsMax: number) {
    this.keyEnds = new Uint32Array(rowsMax);
    this.numbers = new Float64Array(4 * rowsMax).fill(NaN);
    this.lines = new Uint32Array(rowsMax);
  }

  /** Where the last key ends. */
  get keyEnd(): number {
    return this.count === 0 ? 0 : this.keyEnds[this.count - 1];
  }

  /** Whether another row might not fit. */
  get isFull(): boolean {
    return this.count === this.rowsMax ||
      this.keyEnd > BLOCK_KEY_BYTES_MAX - USER_ID_BYTES_MAX;
  }

  /**
   * @param key A valid key.
   * @param numbers Its numbers; `NaN` for one that is not given.
   * @param line The line that it stands on.
   */
  add(key: Uint8Array, numbers: ArrayLike<number>, line: number): void {
    const { keyEnd } = this;
    this.keys.set(key, keyEnd);
    this.numbers.set(numbers, 4 * this.count);
    this.lines[this.count] = line;
    this.keyEnds[this.count++] = keyEnd + key.length;
  }

  /** @returns The rows; the builder is empty then. */
  take(): ReadRows {
    const { count, keyEnd } = this;
    const rows = {
      count,
      keys: this.keys.slice(0, keyEnd),
      keyEnds: this.keyEnds.slice(0, count),
      numbers: this.numbers.slice(0, 4 * count),
      lines: this.lines.slice(0, count),
    };
    this.numbers.fill(NaN, 0, 4 * count);
    this.count = 0;
    return rows;
  }
}
