/**
 * The last changes that a replica has applied, numbered in their order: what
 * those who watch are told, and where those who come back go on. It does no I/O.
 *
 * There are two blocks. When the newer one is full, it becomes the older one,
 * and the older one is forgotten.
 *
 * @module
 */
import type { ChangeOutcome } from "../user_grade.ts";
import { ChangeBlock } from "./change_block.ts";

/**
 * How many of the last changes are kept at least, and half of how many at most:
 * some 8 MB with ids of 12 bytes, and never more than 40 MB.
 */
export const CHANGES_KEPT_MIN = 65_536;

/** Keeps the last changes. It follows a replica. */
export class ChangeRing {
  #older = new ChangeBlock(0);
  #newer = new ChangeBlock(0);
  #floor = 0;
  #sequence = 0;
  #gaps = 0;
  /** Told when there is more, or a gap. */
  onChange: (() => void) | undefined;

  /** @param keptMin How many of the last changes are kept at least. */
  constructor(private readonly keptMin = CHANGES_KEPT_MIN) {}

  /** The number of the oldest change that is kept. */
  get start(): number {
    return this.#older.first;
  }

  /** The number that the next change gets. */
  get end(): number {
    return this.#newer.end;
  }

  /** The lowest sequence after which all changes are kept. */
  get floor(): number {
    return this.#floor;
  }

  /** The sequence up to which all changes are here. */
  get sequence(): number {
    return this.#sequence;
  }

  /** How often changes came that are not here: those before are forgotten. */
  get gaps(): number {
    return this.#gaps;
  }

  /**
   * An entry is applied. On the hot path of sets.
   *
   * @param sequence Its sequence.
   * @param outcomes What its changes left; none if it changes no record.
   */
  applied(sequence: number, outcomes: readonly ChangeOutcome[]): void {
    const { length } = outcomes;
    if (length > this.keptMin) return this.adopted(sequence);
    try {
      if (this.#newer.count + length > this.keptMin) this.#turn();
      for (let i = 0; i < length; i++) this.#newer.add(sequence, outcomes[i]);
    } catch (error) {
      // There is no memory for more: watchers do without, and sets go on.
      if (!(error instanceof RangeError)) throw error;
      return this.adopted(sequence);
    }
    this.#sequence = sequence;
    this.onChange?.();
  }

  /** The state is another one, at this sequence: no change before it is known. */
  adopted(sequence: number): void {
    this.#older = new ChangeBlock(this.end);
    this.#newer = new ChangeBlock(this.#older.end);
    this.#floor = this.#sequence = sequence;
    this.#gaps++;
    this.onChange?.();
  }

  /** Begins a new block. Invariant: no entry is in two blocks. */
  #turn(): void {
    const { end, count } = this.#older;
    if (count > 0) this.#floor = this.#older.sequenceOf(end - 1);
    this.#older = this.#newer;
    this.#newer = new ChangeBlock(this.end);
  }

  #blockOf(change: number): ChangeBlock {
    return change < this.#newer.first ? this.#older : this.#newer;
  }

  /** @returns The number of the first change of the entries after a sequence. */
  firstAfter(sequence: number): number {
    let low = this.start;
    let high = this.end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.sequenceOf(middle) > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The sequence of a change's entry. */
  sequenceOf(change: number): number {
    return this.#blockOf(change).sequenceOf(change);
  }

  /** Whether a change is a deletion. */
  isDeletion(change: number): boolean {
    return this.#blockOf(change).isDeletion(change);
  }

  /** The id of the user whom a change concerns. */
  userIdOf(change: number): string {
    return this.#blockOf(change).userIdOf(change);
  }

  /** What a change left: the record, or the id of a deleted user, as JSON. */
  jsonOf(change: number): string {
    return this.#blockOf(change).jsonOf(change);
  }
}
