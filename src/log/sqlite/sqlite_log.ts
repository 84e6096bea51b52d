/**
 * The embedded log: one SQLite file, one transaction an entry, synced to disk
 * before it counts as committed.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { RowBatch } from "../../storage/row_batch.ts";
import {
  type CompactingLog,
  type LogBase,
  type LogEntry,
  LogFailedError,
  type LogInfo,
  type LogLocation,
  NotStoredError,
} from "../log.ts";
import { createSchema, FILE_NAME } from "./sqlite_schema.ts";

/** The most entries, and about the most bytes, that one read of the file takes. */
const READ_ENTRIES_MAX = 256;
const READ_BYTES_MAX = 1024 * 1024;

/** How many old rows one transaction deletes, so that commits wait little. */
const DELETE_ROWS = 500;

/** SQLite's result code for a full disk: https://www.sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/** A {@linkcode CompactingLog} in a folder of the local disk. */
export class SqliteLog implements CompactingLog {
  #db!: DatabaseSync;
  #insert!: StatementSync;
  /** The last entry's sequence: what is committed, no more. */
  #last = 0;
  /** Own entries that `entries` has not yielded yet, in order. */
  #fresh: LogEntry[] = [];
  #wake: (() => void) | undefined;
  #closed = false;
  #base: (LogBase & { id: number }) | undefined;
  /** The base that is being written. */
  #nextBase: { id: number; parts: number } | undefined;
  #sweepTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param directory The folder, which is made if it is not there. */
  constructor(private readonly directory: string) {}

  get lastSequence(): number {
    return this.#last;
  }

  open(): Promise<LogInfo> {
    const file = join(this.directory, FILE_NAME);
    try {
      mkdirSync(this.directory, { recursive: true });
      this.#db = new DatabaseSync(file);
      const id = createSchema(this.#db);
      this.#insert = this.#db.prepare(
        "INSERT INTO entries (sequence, time, payload) VALUES (?, ?, ?)",
      );
      this.#base = this.#findBase();
      const { last } = this.#db.prepare(
        "SELECT max(sequence) AS last FROM entries",
      ).get() as { last: number | null };
      this.#last = Math.max(last ?? 0, this.#base?.sequence ?? 0);
      this.#sweepLater();
      return Promise.resolve({
        id,
        firstSequence: this.#first(),
        lastSequence: this.#last,
        ...(this.#base && { base: this.#base }),
      });
    } catch (cause) {
      return Promise.reject(
        new LogFailedError(`Cannot open the log in ${file}: ${reason(cause)}`, {
          cause,
        }),
      );
    }
  }

  #first(): number {
    const { first } = this.#db.prepare(
      "SELECT min(sequence) AS first FROM entries WHERE sequence > ?",
    ).get(this.#base?.sequence ?? 0) as { first: number | null };
    return first ?? this.#last + 1;
  }

  locate(sequence: number): Promise<LogLocation> {
    const row = this.#db.prepare("SELECT time FROM entries WHERE sequence = ?")
      .get(sequence) as { time: string } | undefined;
    return Promise.resolve({
      firstSequence: this.#first(),
      lastSequence: this.#last,
      time: row?.time,
    });
  }

  #findBase(): (LogBase & { id: number }) | undefined {
    // A base that is not complete was being written when the process ended.
    return this.#db.prepare(
      "SELECT id, sequence, time, rows, digest FROM bases WHERE complete = 1 ORDER BY id DESC LIMIT 1",
    ).get() as (LogBase & { id: number }) | undefined;
  }

  async *entries(after: number): AsyncGenerator<LogEntry[]> {
    const read = this.#db.prepare(
      "SELECT sequence, time, payload FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?",
    );
    let at = after;
    while (!this.#closed) {
      const fresh = this.#fresh;
      if (fresh.length > 0 && fresh[0].sequence <= at + 1) {
        this.#fresh = [];
        at = fresh[fresh.length - 1].sequence;
        yield fresh;
      } else if (at < this.#last) {
        const stored: LogEntry[] = [];
        let bytes = 0;
        for (const row of read.iterate(at, READ_ENTRIES_MAX)) {
          const entry = row as unknown as Required<Omit<LogEntry, "batch">>;
          if (fresh.length > 0 && entry.sequence >= fresh[0].sequence) break;
          stored.push(entry);
          bytes += entry.payload.length;
          if (bytes >= READ_BYTES_MAX) break;
        }
        if (stored.length === 0) {
          throw new LogFailedError(
            `Cannot read entry ${at + 1} of the log: it is not in the file`,
          );
        }
        at = stored[stored.length - 1].sequence;
        yield stored;
      } else {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    }
  }

  propose(batch: number, payload: Uint8Array<ArrayBuffer>): Promise<void> {
    const sequence = this.#last + 1;
    const time = new Date().toISOString();
    try {
      this.#insert.run(sequence, time, payload);
    } catch (cause) {
      const { errcode } = cause as { errcode?: number };
      if (errcode === SQLITE_FULL) {
        return Promise.reject(
          new NotStoredError("The disk of the log is full", { cause }),
        );
      }
      // After any other failed write only reading the file anew can tell
      // what is on the disk.
      return Promise.reject(
        new LogFailedError(`Cannot write the log: ${reason(cause)}`, { cause }),
      );
    }
    this.#last = sequence;
    this.#fresh.push({ sequence, time, batch });
    this.#wake?.();
    return Promise.resolve();
  }

  *readBase(): Generator<RowBatch> {
    if (this.#base === undefined) return;
    const parts = this.#db.prepare(
      "SELECT keys, key_ends, numbers FROM base_rows WHERE base = ? ORDER BY part",
    ).iterate(this.#base.id);
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

  beginBase({ sequence, time, rows, digest }: LogBase): void {
    const { lastInsertRowid } = this.#db.prepare(
      "INSERT INTO bases (sequence, time, rows, digest, complete) VALUES (?, ?, ?, ?, 0)",
    ).run(sequence, time, rows, digest);
    this.#nextBase = { id: Number(lastInsertRowid), parts: 0 };
  }

  writeBase({ keys, keyEnds, numbers }: RowBatch): void {
    const base = this.#nextBase!;
    this.#db.prepare(
      "INSERT INTO base_rows (base, part, keys, key_ends, numbers) VALUES (?, ?, ?, ?, ?)",
    ).run(
      base.id,
      base.parts++,
      keys,
      new Uint8Array(keyEnds.buffer),
      new Uint8Array(numbers.buffer),
    );
  }

  commitBase(): void {
    this.#db.prepare("UPDATE bases SET complete = 1 WHERE id = ?")
      .run(this.#nextBase!.id);
    this.#base = this.#findBase();
    this.#nextBase = undefined;
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
    const keep = this.#base?.id ?? 0;
    const writing = this.#nextBase?.id ?? 0;
    const deletions = [
      this.#db.prepare(
        `DELETE FROM entries WHERE sequence IN
           (SELECT sequence FROM entries WHERE sequence <= ? ORDER BY sequence LIMIT ${DELETE_ROWS})`,
      ).run(this.#base?.sequence ?? 0),
      this.#db.prepare(
        `DELETE FROM base_rows WHERE rowid IN
           (SELECT rowid FROM base_rows WHERE base NOT IN (?, ?) LIMIT 8)`,
      ).run(keep, writing),
    ];
    if (deletions.some(({ changes }) => changes > 0)) return true;
    this.#db.prepare("DELETE FROM bases WHERE id NOT IN (?, ?)")
      .run(keep, writing);
    return false;
  }

  close(): Promise<void> {
    clearTimeout(this.#sweepTimer);
    this.#closed = true;
    this.#wake?.();
    this.#db.close();
    return Promise.resolve();
  }
}

/** SQLite's message, with what to do where that is known. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/database is locked/.test(message)) {
    return "it is in use by another process: stop that one, or set another DATA_DIR";
  }
  if (/not a database|malformed/.test(message)) {
    return `${message}: the file is damaged, put back a copy or set another DATA_DIR`;
  }
  return message;
}
