/**
 * How many bytes of log came after a sequence.
 *
 * @module
 */

/** The most checkpoints; then every other one is forgotten. */
const CHECKPOINTS_MAX = 1024;

/** How far apart checkpoints are at first. */
const STEP_BYTES_MIN = 64 * 1024;

/** What the log says of itself. */
export interface LogSize {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The bytes of all entries from the first to the last. */
  readonly bytes: number;
}

/** The bytes that were counted up to a sequence. */
interface Checkpoint {
  readonly sequence: number;
  readonly bytes: number;
}

/**
 * Counts the bytes of entries, from the first one that it gets. Those of the
 * entries before are estimated from the log's own size.
 */
export class LogGrowth {
  /**
   * Invariant: never empty once an entry has come, both numbers ascend, and the
   * first is where counting began.
   */
  #checkpoints: Checkpoint[] = [];
  #step_bytes = STEP_BYTES_MIN;
  /** The last entry that was counted; undefined before the first. */
  #last: Checkpoint | undefined;
  #log: LogSize = { firstSequence: 1, lastSequence: 0, bytes: 0 };

  /** The bytes that the log holds, as it said last. */
  get logBytes(): number {
    return this.#log.bytes;
  }

  /**
   * Counts entries. If they don't go on from those before, counting begins anew
   * with them.
   *
   * @param first The sequence of the first of them.
   * @param last The sequence of the last of them.
   * @param bytes Their bytes in the log.
   */
  note(first: number, last: number, bytes: number): void {
    if (this.#last?.sequence !== first - 1) {
      this.#checkpoints = [{ sequence: first - 1, bytes: 0 }];
      this.#step_bytes = STEP_BYTES_MIN;
      this.#last = this.#checkpoints[0];
    }
    this.#last = { sequence: last, bytes: this.#last!.bytes + bytes };
    const newest = this.#checkpoints[this.#checkpoints.length - 1];
    if (this.#last.bytes - newest.bytes < this.#step_bytes) return;
    this.#checkpoints.push(this.#last);
    if (this.#checkpoints.length < CHECKPOINTS_MAX) return;
    this.#checkpoints = this.#checkpoints.filter((_, i) => i % 2 === 0);
    this.#step_bytes *= 2;
  }

  /** Takes what the log says of its size. */
  noteLog(log: LogSize): void {
    this.#log = log;
  }

  /**
   * @param sequence Any sequence.
   * @returns The bytes of the entries after it: exact after the entry where
   * counting began, to within the step between two checkpoints.
   */
  since(sequence: number): number {
    const last = this.#last;
    if (last === undefined) return this.#estimate(sequence, Infinity, 0);
    const [base] = this.#checkpoints;
    if (sequence >= base.sequence) return last.bytes - this.#upTo(sequence);
    const { lastSequence } = this.#log;
    const counted = lastSequence > base.sequence ? this.#upTo(lastSequence) : 0;
    return last.bytes + this.#estimate(sequence, base.sequence, counted);
  }

  /** The bytes counted up to a sequence that is not before the base. */
  #upTo(sequence: number): number {
    const checkpoints = this.#checkpoints;
    let low = 0;
    let high = checkpoints.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (checkpoints[middle].sequence <= sequence) low = middle;
      else high = middle;
    }
    const from = checkpoints[low];
    const to = checkpoints[high] ?? this.#last!;
    if (sequence >= to.sequence) return to.bytes;
    const share = (sequence - from.sequence) / (to.sequence - from.sequence);
    return from.bytes + Math.round(share * (to.bytes - from.bytes));
  }

  /**
   * The bytes of the entries after a sequence and up to another, if all have
   * the same size but those counted.
   *
   * @param counted_bytes What of the log's bytes was counted.
   */
  #estimate(after: number, upTo: number, counted_bytes: number): number {
    const { firstSequence, lastSequence, bytes } = this.#log;
    const end = Math.min(upTo, lastSequence);
    const entries = end - (firstSequence - 1);
    const wanted = end - Math.max(after, firstSequence - 1);
    if (entries <= 0 || wanted <= 0) return 0;
    const uncounted_bytes = Math.max(0, bytes - counted_bytes);
    return Math.round(uncounted_bytes * wanted / entries);
  }
}
