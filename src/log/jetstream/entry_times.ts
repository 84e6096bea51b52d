/**
 * When the log took the entries that were fed last: by its time an entry is
 * known again. It does no I/O.
 *
 * @module
 */
import { formatDelivered } from "./delivery.ts";

/** How many entries are remembered: 768 KiB; a power of two. */
export const ENTRY_TIMES_MAX = 65_536;

/** How many entries there is room for at first; a power of two. */
const ENTRY_TIMES_MIN = 256;

/** The times of a log's entries, as far as they are remembered. */
export interface KnownTimes {
  /**
   * @returns When the log took an entry: RFC 3339 with nanoseconds, UTC;
   * undefined if that is not remembered.
   */
  at(sequence: number): string | undefined;
}

/** Remembers the newest. Invariant: the remembered entries have no gap. */
export class EntryTimes implements KnownTimes {
  #seconds = new Float64Array(ENTRY_TIMES_MIN);
  #nanoseconds = new Uint32Array(ENTRY_TIMES_MIN);
  /** The first entry since the last `clear`; it may be forgotten again. */
  #first = 1;
  #last = 0;

  /**
   * Hot: once for each entry, 6 ns.
   *
   * @param sequence One more than the last time, unless it was cleared since.
   * @param seconds Whole seconds since 1970.
   * @param nanoseconds Those of the next second.
   */
  add(sequence: number, seconds: number, nanoseconds: number): void {
    if (this.#last === 0) this.#first = sequence;
    const { length } = this.#seconds;
    if (length < ENTRY_TIMES_MAX && sequence - this.#first >= length) {
      this.#grow();
    }
    this.#last = sequence;
    const slot = sequence & (this.#seconds.length - 1);
    this.#seconds[slot] = seconds;
    this.#nanoseconds[slot] = nanoseconds;
  }

  /** Makes room for twice as many. */
  #grow(): void {
    const { length } = this.#seconds;
    const seconds = new Float64Array(2 * length);
    const nanoseconds = new Uint32Array(2 * length);
    for (let at = this.#first; at <= this.#last; at++) {
      const slot = at & (2 * length - 1);
      seconds[slot] = this.#seconds[at & (length - 1)];
      nanoseconds[slot] = this.#nanoseconds[at & (length - 1)];
    }
    this.#seconds = seconds;
    this.#nanoseconds = nanoseconds;
  }

  at(sequence: number): string | undefined {
    const first = Math.max(this.#first, this.#last - ENTRY_TIMES_MAX + 1);
    if (sequence < first || sequence > this.#last) return undefined;
    const slot = sequence & (this.#seconds.length - 1);
    return formatDelivered(this.#seconds[slot], this.#nanoseconds[slot]);
  }

  /** Forgets all. */
  clear(): void {
    this.#last = 0;
  }
}
