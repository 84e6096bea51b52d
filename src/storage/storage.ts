/**
 * Storage: the user grades in memory. It merges, looks up, takes snapshots and
 * restores.
 *
 * @module
 */
import {
  type UserGrade,
  userGradeJson,
  type UserGradePatch,
} from "../user_grade.ts";
import { Digest } from "./digest.ts";
import { IdSearch } from "./id_search.ts";
import type { RowBlock } from "./row_block.ts";
import type { TableSnapshot } from "./snapshot.ts";
import { UserTable } from "./user_table.ts";

/** The state at one moment: its digest, and its rows to read in slices. */
export interface StorageSnapshot {
  /** 16 hex digits, as {@linkcode Storage.digest}. */
  readonly digest: string;
  /** The rows; close them after use. */
  readonly table: TableSnapshot;
}

/** The numbers of a user seen for the first time. */
const NO_NUMBERS = new Float64Array(4);

/** All user grades of this replica. */
export class Storage {
  readonly #table: UserTable;
  readonly #digest = new Digest();
  readonly #markedDigest = new Digest();

  /**
   * @param seed The key of the table's hash, two random 32-bit integers; clients
   * must not know it.
   */
  constructor(
    seed: ArrayLike<number> = crypto.getRandomValues(new Uint32Array(2)),
  ) {
    this.#table = new UserTable(seed[0], seed[1]);
  }

  /** How many users are stored. */
  get size(): number {
    return this.#table.size;
  }

  /** How many bytes the records and their slots have, used or not. */
  get bytes(): number {
    return this.#table.bytes;
  }

  /**
   * 16 hex digits that depend on the stored records alone, not on their order
   * or history.
   */
  get digest(): string {
    return this.#digest.toString();
  }

  /** Keeps the digest's current value, at the cost of a few assignments. */
  markDigest(): void {
    this.#markedDigest.copy(this.#digest);
  }

  /** The digest at the last call of {@linkcode markDigest}. */
  get markedDigest(): string {
    return this.#markedDigest.toString();
  }

  /**
   * Merges a patch into the user's record: fields that it leaves out keep
   * their values, or are 0 for a user seen for the first time.
   *
   * @param patch A validated patch.
   * @returns The whole record after it.
   * @throws {TableFullError} If there is no room for a new user or for larger
   * numbers; nothing has changed.
   */
  set(patch: UserGradePatch): UserGrade {
    const table = this.#table;
    const stored = table.seek(patch.user_id);
    const old = stored ? table.read() : NO_NUMBERS;
    // `+ 0` turns -0 into 0.
    const a = (patch.postpaid_limit ?? old[0]) + 0;
    const b = (patch.spp ?? old[1]) + 0;
    const c = (patch.shipping_fee ?? old[2]) + 0;
    const d = (patch.return_fee ?? old[3]) + 0;
    this.#write(stored, a, b, c, d);
    return {
      user_id: patch.user_id,
      postpaid_limit: a,
      spp: b,
      shipping_fee: c,
      return_fee: d,
    };
  }

  /** Writes at the table's cursor and updates the digest. */
  #write(
    stored: boolean,
    a: number,
    b: number,
    c: number,
    d: number,
  ): void {
    const table = this.#table;
    const digest = this.#digest;
    digest.selectKey(table.key, table.keyLength);
    if (!stored) {
      table.write(a, b, c, d);
    } else {
      const old = table.read();
      const a0 = old[0];
      const b0 = old[1];
      const c0 = old[2];
      const d0 = old[3];
      table.write(a, b, c, d);
      digest.remove(a0, b0, c0, d0);
    }
    digest.add(a, b, c, d);
  }

  /**
   * Deletes the user's record. Snapshots that are open still have it.
   *
   * @param id The user's id.
   * @returns Whether there was a record.
   * @throws {TableFullError} If there is no memory to keep the record for an
   * open snapshot; nothing has changed.
   */
  delete(id: string): boolean {
    const table = this.#table;
    if (!table.seek(id)) return false;
    const old = table.read();
    table.remove();
    this.#digest.selectKey(table.key, table.keyLength);
    this.#digest.remove(old[0], old[1], old[2], old[3]);
    return true;
  }

  /** @returns The user's record, or `undefined` if there is none. */
  get(id: string): UserGrade | undefined {
    const table = this.#table;
    if (!table.seek(id)) return undefined;
    const numbers = table.read();
    return {
      user_id: id,
      postpaid_limit: numbers[0],
      spp: numbers[1],
      shipping_fee: numbers[2],
      return_fee: numbers[3],
    };
  }

  /**
   * The hot path of a get: builds the answer's text straight from the table.
   *
   * @returns The user's record as JSON text, or `undefined` if there is none.
   */
  getJson(id: string): string | undefined {
    const table = this.#table;
    if (!table.seek(id)) return undefined;
    const numbers = table.read();
    return userGradeJson(
      id,
      numbers[0],
      numbers[1],
      numbers[2],
      numbers[3],
    );
  }

  /**
   * Looks for the first user ids, in the order of their UTF-8 bytes, that begin
   * with `prefix` and come after `after`, at most `max`.
   *
   * @returns A generator that yields every few hundred microseconds, so that
   * others have their turn, and returns the ids.
   */
  *searchIds(
    prefix: string,
    after: string,
    max: number,
  ): Generator<void, string[], void> {
    const search = new IdSearch(prefix, after, max);
    yield* this.#table.search(search);
    return search.ids;
  }

  /** @returns The state as it is now; close its table after use. */
  snapshot(): StorageSnapshot {
    return { digest: this.digest, table: this.#table.snapshot() };
  }

  /** Prepares the table for about as many users as a restore will bring. */
  expect(users: number): void {
    this.#table.expect(users);
  }

  /**
   * Stores whole records, without an object per row.
   *
   * @param rows Valid rows; a user who is already stored is overwritten.
   * @throws {TableFullError} If there is no room for a new user; other rows are
   * stored.
   */
  restore(rows: RowBlock): void {
    const { numbers } = rows;
    this.#table.seekEach(rows, (row, isStored) => {
      const at = 4 * row;
      this.#write(
        isStored,
        numbers[at] + 0,
        numbers[at + 1] + 0,
        numbers[at + 2] + 0,
        numbers[at + 3] + 0,
      );
    });
  }
}
