/**
 * A point-in-time view of the user table, read in slices while writes go on.
 *
 * Taking a snapshot only notes how many words each segment uses, because records
 * are only appended. A write to a record that an open snapshot has not read yet
 * first copies the record's page; if records are to move, their segment is
 * copied. So a snapshot costs what is written before it is read, at most the
 * words in use when it was taken, and nothing once it is closed.
 *
 * @module
 */
import { USER_ID_BYTES_MAX } from "../user_grade.ts";
import type { RowBlock } from "./row_block.ts";
import { NUMBER_WORDS_MAX, readNumbers } from "./packed_numbers.ts";
import {
  DEAD,
  keyWords,
  LENGTH_MASK,
  recordWords,
  widthsIn,
} from "./record.ts";
import type { Segment } from "./segment.ts";

/** A page is the unit of copying before a write: 2^10 words, 4 KiB. */
const PAGE_BITS = 10;
const PAGE_WORDS = 1 << PAGE_BITS;

/** The most words of a record. */
const RECORD_WORDS_MAX = 1 + USER_ID_BYTES_MAX / 4 + NUMBER_WORDS_MAX;

/** Some records of a segment as it was when the snapshot was taken. */
interface SegmentPart {
  /** The segment's records. */
  readonly words: Int32Array<ArrayBuffer>;
  /** The place of the first. */
  readonly from: number;
  /** The place after the last. */
  readonly to: number;
}

/** The rows of the table at one moment, in the table's own order. */
export class TableSnapshot implements Disposable {
  /** Undefined once the snapshot is closed, so that it holds no memory. */
  #segments: readonly (Segment | undefined)[] | undefined;
  /** How many words each segment used. */
  readonly #used: Uint32Array;
  /** The pages that were copied for this snapshot, by segment and page. */
  #kept: (Int32Array[] | undefined)[];
  /**
   * The segments that were copied as a whole. Invariant: a segment has no pages
   * in {@linkcode #kept} then.
   */
  #copies: (Int32Array<ArrayBuffer> | undefined)[];
  /** The next segment to read; those before it are no longer needed. */
  #next = 0;
  readonly #onClose: (() => void)[] = [];
  /** What is left of the segment that is being read; there are some words. */
  #left: SegmentPart | undefined;

  /**
   * @param segments The table's segments.
   * @param rows How many rows they have in all.
   */
  constructor(
    segments: readonly (Segment | undefined)[],
    readonly rows: number,
  ) {
    this.#segments = segments;
    this.#used = new Uint32Array(segments.length);
    for (let i = 0; i < segments.length; i++) {
      this.#used[i] = segments[i]?.used ?? 0;
    }
    this.#kept = new Array(segments.length);
    this.#copies = new Array(segments.length);
  }

  /**
   * Copies the pages of a record that is about to change or to be removed,
   * unless they are read or copied already.
   *
   * @param index The segment's number.
   * @param segment The segment.
   * @param place The record's place.
   */
  keep(index: number, segment: Segment, place: number): void {
    const used = this.#used[index];
    if (index < this.#next || place >= used || this.#copies[index]) return;
    const kept = this.#kept[index] ??= [];
    const last = Math.min(place + RECORD_WORDS_MAX, used) - 1;
    for (let page = place >> PAGE_BITS; page <= last >> PAGE_BITS; page++) {
      const start = page << PAGE_BITS;
      kept[page] ??= segment.words.slice(start, start + PAGE_WORDS);
    }
  }

  /**
   * Copies a segment whose records are about to move, unless it is read or
   * copied already.
   *
   * @param index The segment's number.
   */
  keepAll(index: number): void {
    if (index < this.#next || this.#used[index] === 0) return;
    this.#copies[index] ??= this.#copy(index);
  }

  /** The words of a segment as they were; there are some. */
  #copy(index: number): Int32Array<ArrayBuffer> {
    const used = this.#used[index];
    const words = this.#segments![index]!.words.slice(0, used);
    this.#kept[index]?.forEach((page, number) => {
      const start = number << PAGE_BITS;
      words.set(page.subarray(0, used - start), start);
    });
    this.#kept[index] = undefined;
    return words;
  }

  /**
   * Reads the next rows.
   *
   * @param rowsMax The most rows to read, at least 1.
   * @returns The rows, or `undefined` after the last or once closed.
   */
  read(rowsMax: number): RowBlock | undefined {
    const parts: SegmentPart[] = [];
    let count = 0;
    let keyBytes = 0;
    while (count < rowsMax) {
      const left = this.#left ??= this.#openNext();
      if (left === undefined) break;
      const { words, from, to } = left;
      let place = from;
      while (place < to && count < rowsMax) {
        const header = words[place];
        place += recordWords(header);
        if ((header & DEAD) !== 0) continue;
        keyBytes += header & LENGTH_MASK;
        count++;
      }
      parts.push({ words, from, to: place });
      this.#left = place === to ? undefined : { words, from: place, to };
    }
    return count === 0 ? undefined : rowsOf(parts, count, keyBytes);
  }

  /** The next segment that had records, as it was; undefined after the last. */
  #openNext(): SegmentPart | undefined {
    if (this.#segments === undefined) return undefined;
    while (this.#next < this.#used.length) {
      const index = this.#next++;
      const used = this.#used[index];
      if (used === 0) continue;
      const words = this.#copies[index] ?? this.#copy(index);
      this.#copies[index] = undefined;
      return { words, from: 0, to: used };
    }
    return undefined;
  }

  /** Releases everything that the snapshot holds; closing twice is harmless. */
  close(): void {
    if (this.#segments === undefined) return;
    this.#segments = undefined;
    this.#kept = [];
    this.#copies = [];
    this.#left = undefined;
    for (const callback of this.#onClose) callback();
  }

  /** Calls back once, when the snapshot is closed. */
  onceClosed(callback: () => void): void {
    this.#onClose.push(callback);
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Written for speed: most of what a backup costs the main thread.
 *
 * @param count How many records of the parts are not dead.
 * @param keyBytes How many bytes their keys have.
 */
function rowsOf(
  parts: readonly SegmentPart[],
  count: number,
  keyBytes: number,
): RowBlock {
  const keys = new Uint8Array(keyBytes);
  const keyEnds = new Uint32Array(count);
  const numbers = new Float64Array(4 * count);
  let row = 0;
  let keyEnd = 0;
  for (const { words, from, to } of parts) {
    const bytes = new Uint8Array(words.buffer);
    for (let place = from; place < to;) {
      const header = words[place];
      const keyStart = 4 * (place + 1);
      const numbersAt = place + 1 + keyWords(header);
      place += recordWords(header);
      if ((header & DEAD) !== 0) continue;
      const length = header & LENGTH_MASK;
      for (let i = 0; i < length; i++) keys[keyEnd + i] = bytes[keyStart + i];
      keyEnd += length;
      keyEnds[row] = keyEnd;
      readNumbers(words, numbersAt, widthsIn(header), numbers, 4 * row);
      row++;
    }
  }
  return { count, keys, keyEnds, numbers };
}
