/**
 * The user table: every user's key and four numbers in typed arrays.
 *
 * It has many small {@linkcode Segment}s that grow one at a time, so that growth
 * never stops the process. There is no object per user, so the garbage collector
 * has nothing to walk. Tens of millions of users fit into one process.
 *
 * @module
 */
import { USER_ID_BYTES_MAX } from "../user_grade.ts";
import type { IdSearch } from "./id_search.ts";
import { hashKey } from "./key_hash.ts";
import { widthsOf } from "./packed_numbers.ts";
import type { RowBlock } from "./row_block.ts";
import { Segment } from "./segment.ts";
import { SegmentOrder } from "./segment_order.ts";
import { SEGMENT_BITS } from "./slots.ts";
import { TableSnapshot } from "./snapshot.ts";
import { allocate } from "./table_full_error.ts";

const SEGMENTS = 1 << SEGMENT_BITS;

/** The most users to prepare for: the number comes from outside. */
const EXPECTED_USERS_MAX = 16_000_000;

const utf8 = new TextEncoder();

/**
 * The table has one cursor: {@linkcode seek} moves it to a user's place, and
 * `read` and `write` act there, so that none of them creates an object.
 */
export class UserTable {
  /** The key last sought, padded with zeros to a whole word. */
  readonly key = new Int32Array(3 * USER_ID_BYTES_MAX / 4);
  /** The length of the key last sought, in bytes. */
  keyLength = 0;
  readonly #keyBytes = new Uint8Array(this.key.buffer);

  readonly #numbers = new Float64Array(4);
  readonly #order = new SegmentOrder();

  readonly #segments: (Segment | undefined)[] = new Array(SEGMENTS);
  readonly #snapshots = new Set<TableSnapshot>();
  readonly #seed0: number;
  readonly #seed1: number;
  #size = 0;
  /** About how many users each segment is expected to get. */
  #usersPerSegment = 0;

  #hash = 0;
  #segment: Segment | undefined = undefined;
  /** The place of the cursor's record, -1 when the key is not in the table. */
  #place = -1;

  /**
   * @param seed0 The low half of the hash's key: 32 random bits.
   * @param seed1 The high half of the hash's key: 32 random bits.
   */
  constructor(seed0: number, seed1: number) {
    this.#seed0 = seed0;
    this.#seed1 = seed1;
  }

  /** How many users are stored. */
  get size(): number {
    return this.#size;
  }

  /** How many bytes the records and their slots have, used or not. */
  get bytes(): number {
    return this.#segments.reduce(
      (sum, segment) => sum + (segment?.bytes ?? 0),
      0,
    );
  }

  /**
   * Prepares an empty table for about so many users, so that it grows in fewer
   * steps.
   */
  expect(users: number): void {
    this.#usersPerSegment = Math.ceil(
      Math.min(users, EXPECTED_USERS_MAX) / SEGMENTS,
    );
  }

  /**
   * Moves the cursor to a user.
   *
   * @param id A well-formed id; one of more than
   * {@linkcode USER_ID_BYTES_MAX} UTF-16 code units is never found.
   * @returns Whether the user is stored.
   */
  seek(id: string): boolean {
    let length = id.length;
    if (length === 0 || length > USER_ID_BYTES_MAX) {
      this.#place = -1;
      return false;
    }
    const bytes = this.#keyBytes;
    this.key[(length - 1) >> 2] = 0;
    for (let i = 0; i < length; i++) {
      const code = id.charCodeAt(i);
      if (code > 0x7f) {
        length = utf8.encodeInto(id, bytes).written;
        bytes.fill(0, length, (length + 3) & ~3);
        break;
      }
      bytes[i] = code;
    }
    this.keyLength = length;
    return this.#find();
  }

  /**
   * Moves the cursor to the user whose id's UTF-8 bytes are given.
   *
   * @param bytes Where the bytes are.
   * @param start The index of the first.
   * @param end The index after the last, 1 to
   * {@linkcode USER_ID_BYTES_MAX} further.
   * @returns Whether the user is stored.
   */
  seekBytes(bytes: Uint8Array, start: number, end: number): boolean {
    this.#copyKey(bytes, start, end);
    return this.#find();
  }

  /**
   * Moves the cursor to each row's user in turn, those of one segment one after
   * the other.
   *
   * @param visit Called with the row, and whether its user is stored.
   */
  seekEach(
    { count, keys, keyEnds }: RowBlock,
    visit: (row: number, isStored: boolean) => void,
  ): void {
    const order = this.#order;
    order.reserve(count);
    const { hashes, rows } = order;
    for (let row = 0; row < count; row++) {
      this.#copyKey(keys, row === 0 ? 0 : keyEnds[row - 1], keyEnds[row]);
      hashes[row] = this.#hashKey(this.key, 0, this.keyLength);
    }
    order.sort(count);
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      this.#copyKey(keys, row === 0 ? 0 : keyEnds[row - 1], keyEnds[row]);
      visit(row, this.#findHashed(hashes[row]));
    }
  }

  #copyKey(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const key = this.#keyBytes;
    this.key[(length - 1) >> 2] = 0;
    for (let i = 0; i < length; i++) key[i] = bytes[start + i];
    this.keyLength = length;
  }

  #find(): boolean {
    return this.#findHashed(this.#hashKey(this.key, 0, this.keyLength));
  }

  #findHashed(hash: number): boolean {
    const segment = this.#segments[hash & (SEGMENTS - 1)];
    this.#hash = hash;
    this.#segment = segment;
    this.#place = segment === undefined
      ? -1
      : segment.find(hash, this.key, this.keyLength);
    return this.#place !== -1;
  }

  readonly #hashKey = (words: Int32Array, at: number, length: number): number =>
    hashKey(this.#seed0, this.#seed1, words, at, length);

  /**
   * @returns The four numbers at the cursor, which must be on a stored user:
   * valid until the next call.
   */
  read(): Float64Array {
    this.#segment!.read(this.#place, this.#numbers);
    return this.#numbers;
  }

  /**
   * Writes four safe integers at the cursor; a user who is not stored is added.
   *
   * @throws {TableFullError} If the table can't grow; nothing has changed.
   */
  write(a: number, b: number, c: number, d: number): void {
    const segment = this.#segment ??= this.#addSegment();
    const widths = widthsOf(a, b, c, d);
    if (this.#place === -1) {
      // Open snapshots don't read it: it is after the words that they noted,
      // or they have a copy of them.
      this.#place = segment.append(
        this.#hash,
        this.key,
        this.keyLength,
        widths,
      );
      this.#size++;
    } else {
      if (this.#snapshots.size > 0) this.#preserve(segment, this.#place);
      if (!segment.hasRoom(this.#place, widths)) {
        const { key } = this;
        this.#place = segment.widen(this.#hash, key, this.#place, widths);
      }
    }
    segment.write(this.#place, a, b, c, d);
  }

  /**
   * Removes the user at the cursor, who must be stored. A `write` there adds
   * them again.
   *
   * @throws {TableFullError} If there is no memory to keep the record for an
   * open snapshot; nothing has changed.
   */
  remove(): void {
    const segment = this.#segment!;
    if (this.#snapshots.size > 0) this.#preserve(segment, this.#place);
    segment.remove(this.#hash, this.#place);
    this.#place = -1;
    this.#size--;
  }

  #addSegment(): Segment {
    const segment = allocate(
      () =>
        new Segment(
          this.#hashKey,
          this.#usersPerSegment,
          this.#preserveAll,
        ),
      "for another segment",
    );
    this.#segments[this.#hash & (SEGMENTS - 1)] = segment;
    return segment;
  }

  /** Lets open snapshots copy a record before it changes. */
  #preserve(segment: Segment, place: number): void {
    const index = this.#hash & (SEGMENTS - 1);
    allocate(() => {
      for (const snapshot of this.#snapshots) {
        snapshot.keep(index, segment, place);
      }
    }, "to keep a record for the snapshots that are open");
  }

  /** Lets open snapshots copy the cursor's segment before its records move. */
  readonly #preserveAll = (): void => {
    const index = this.#hash & (SEGMENTS - 1);
    allocate(() => {
      for (const snapshot of this.#snapshots) snapshot.keepAll(index);
    }, "to keep a segment for the snapshots that are open");
  };

  /**
   * Offers all keys to a search, those of one segment after the other.
   *
   * A user stays in one segment, so those who are stored throughout are offered
   * once, whatever changes between two steps.
   *
   * @returns A generator that yields after each segment: 0.02 to 0.11 ms for each
   * thousand of its keys.
   */
  *search(search: IdSearch): Generator<void, void, void> {
    for (let index = 0; index < SEGMENTS; index++) {
      const segment = this.#segments[index];
      if (segment === undefined) continue;
      search.offer(segment.words, segment.used);
      yield;
    }
  }

  /** @returns The rows as they are now; close them after use. */
  snapshot(): TableSnapshot {
    const snapshot = new TableSnapshot(this.#segments, this.#size);
    snapshot.onceClosed(() => this.#snapshots.delete(snapshot));
    this.#snapshots.add(snapshot);
    return snapshot;
  }
}
