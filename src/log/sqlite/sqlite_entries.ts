/**
 * The entries in the embedded log's file.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { LogEntry } from "../log.ts";
import { hasVersions, raiseFormat } from "./sqlite_schema.ts";

/** An entry as the file has it. */
export type FileEntry = Required<Omit<LogEntry, "batch" | "heal" | "isSeam">>;

/** Writes and reads entries. */
export class SqliteEntries {
  /** Whether the file says of each entry which version it is. */
  #hasVersions: boolean;
  #insert!: StatementSync;
  #select!: StatementSync;

  constructor(private readonly db: DatabaseSync) {
    this.#hasVersions = hasVersions(db);
    this.#prepare();
  }

  #prepare(): void {
    const { db } = this;
    const [version, column, value] = this.#hasVersions
      ? ["version", ", version", ", ?"]
      : ["1 AS version", "", ""];
    this.#insert = db.prepare(
      `INSERT INTO entries (sequence, time, payload${column})
       VALUES (?, ?, ?${value})`,
    );
    this.#select = db.prepare(
      `SELECT sequence, time, payload, ${version} FROM entries
       WHERE sequence > ? ORDER BY sequence LIMIT ?`,
    );
  }

  /**
   * Writes an entry, in one transaction.
   *
   * @throws {Error} SQLite's, if it is not written.
   */
  add(entry: FileEntry): void {
    const { sequence, time, payload, version } = entry;
    if (this.#hasVersions) {
      this.#insert.run(sequence, time, payload, version);
    } else if (version === 1) this.#insert.run(sequence, time, payload);
    else this.#addFirstOfVersion2(entry);
  }

  #addFirstOfVersion2(entry: FileEntry): void {
    const { db } = this;
    db.exec("BEGIN IMMEDIATE");
    try {
      raiseFormat(db);
      this.#hasVersions = true;
      this.#prepare();
      this.add(entry);
      db.exec("COMMIT");
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (db.isTransaction) db.exec("ROLLBACK");
      this.#hasVersions = hasVersions(db);
      this.#prepare();
      throw error;
    }
  }

  /**
   * @param sequence The entry before the first one wanted.
   * @param count How many at most.
   * @returns The entries that the file has, in order.
   */
  after(sequence: number, count: number): Iterable<FileEntry> {
    return this.#select.iterate(sequence, count) as Iterable<
      unknown
    > as Iterable<
      FileEntry
    >;
  }
}
