/**
 * The bases in the embedded log's file: a whole state each, which stands in
 * for all entries up to its sequence.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { RowBatch } from "../../storage/row_batch.ts";
import type { LogBase } from "../log.ts";

/** How many old rows one transaction deletes, so that commits wait little. */
const DELETE_ENTRIES = 500;
const DELETE_PARTS = 8;

/** Reads and writes bases, and deletes what they stand in for. */
export class SqliteBases {
  #current: (LogBase & { id: number }) | undefined;
  /** The base that is being written. */
  #next: { id: number; parts: number } | undefined;
  #sweepTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly db: DatabaseSync) {
    this.#current = this.#find();
    this.#sweepLater();
  }

  /** The newest whole base; undefined if there is none. */
  get current(): LogBase | undefined {
    if (this.#current === undefined) return undefined;
    const { sequence, time, rows, digest } = this.#current;
    return { sequence, time, rows, digest };
  }

  #find(): (LogBase & { id: number }) | undefined {
    // A base that is not complete was being written when the process ended.
    return this.db.prepare(
      "SELECT id, sequence, time, rows, digest FROM bases WHERE complete = 1 ORDER BY id DESC LIMIT 1",
    ).get() as (LogBase & { id: number }) | undefined;
  }

  /** @returns The rows of the current base, in parts. */
  *read(): Generator<RowBatch> {
    if (this.#current === undefined) return;
    const parts = this.db.prepare(
      "SELECT keys, key_ends, numbers FROM base_rows WHERE base = ? ORDER BY part",
    ).iterate(this.#current.id);
    for (const part of parts) {
      const { keys, key_ends, numbers } = part as Record<
        string,
        Uint8Array<ArrayBuffer>
      >;
      const keyEnds = new Uint32Array(key_ends.slice().buffer);
      yield {
        count: keyEnds.length,
        keys,
        keyEnds,
        numbers: new Float64Array(numbers.slice().buffer),
      };
    }
  }

  /** Begins a new base; one that is half-written is thrown away. */
  begin({ sequence, time, rows, digest }: LogBase): void {
    const { lastInsertRowid } = this.db.prepare(
      "INSERT INTO bases (sequence, time, rows, digest, complete) VALUES (?, ?, ?, ?, 0)",
    ).run(sequence, time, rows, digest);
    this.#next = { id: Number(lastInsertRowid), parts: 0 };
  }

  /** Writes some rows of the base that was begun. */
  write({ keys, keyEnds, numbers }: RowBatch): void {
    const base = this.#next!;
    this.db.prepare(
      "INSERT INTO base_rows (base, part, keys, key_ends, numbers) VALUES (?, ?, ?, ?, ?)",
    ).run(
      base.id,
      base.parts++,
      keys,
      new Uint8Array(keyEnds.buffer),
      new Uint8Array(numbers.buffer),
    );
  }

  /** Makes the written base the current one. The older entries may go. */
  commit(): void {
    this.db.prepare("UPDATE bases SET complete = 1 WHERE id = ?")
      .run(this.#next!.id);
    this.#current = this.#find();
    this.#next = undefined;
    this.#sweepLater();
  }

  /** Deletes, a little at a time, what the base stands in for. */
  #sweepLater(): void {
    clearTimeout(this.#sweepTimer);
    this.#sweepTimer = setTimeout(() => {
      try {
        if (this.#sweep()) this.#sweepLater();
      } catch {
        // The disk is full, say: what is left is deleted after the next base
        // or start. A log that can't be written fails its next entry.
      }
    }, 0);
  }

  /** @returns Whether there may be more to delete. */
  #sweep(): boolean {
    const keep = this.#current?.id ?? 0;
    const writing = this.#next?.id ?? 0;
    const deletions = [
      this.db.prepare(
        `DELETE FROM entries WHERE sequence IN
           (SELECT sequence FROM entries WHERE sequence <= ? ORDER BY sequence LIMIT ${DELETE_ENTRIES})`,
      ).run(this.#current?.sequence ?? 0),
      this.db.prepare(
        `DELETE FROM base_rows WHERE rowid IN
           (SELECT rowid FROM base_rows WHERE base NOT IN (?, ?) LIMIT ${DELETE_PARTS})`,
      ).run(keep, writing),
    ];
    if (deletions.some(({ changes }) => changes > 0)) return true;
    this.db.prepare("DELETE FROM bases WHERE id NOT IN (?, ?)")
      .run(keep, writing);
    return false;
  }

  /** Ends the deletions. */
  close(): void {
    clearTimeout(this.#sweepTimer);
  }
}
