/**
 * The tables of the embedded log's file.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { LogFailedError } from "../log.ts";

/** The name of the log's file in its folder. */
export const FILE_NAME = "usergrade.db";

/** "UGrd": says in the file's header that it is ours. */
const APPLICATION_ID = 0x55477264;

/**
 * The format of a new file. {@linkcode raiseFormat} makes it 2, in which each
 * entry has a version: a file of another format is refused.
 */
const FORMAT = 1;
const FORMAT_WITH_VERSIONS = 2;

const SCHEMA = `
  CREATE TABLE log (id TEXT NOT NULL) STRICT;
  CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;
  CREATE TABLE bases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sequence INTEGER NOT NULL,
    time TEXT,
    rows INTEGER NOT NULL,
    digest TEXT NOT NULL,
    complete INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE base_rows (
    base INTEGER NOT NULL,
    part INTEGER NOT NULL,
    keys BLOB NOT NULL,
    key_ends BLOB NOT NULL,
    numbers BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX base_rows_in_order ON base_rows (base, part);
`;

/**
 * Takes the file for this process alone, sets how it is synced, and makes the
 * tables if it is new.
 *
 * @param wantedId The identity of a log that is new, or has had no entry yet;
 * one of its own if it is left out.
 * @returns The log's identity, and whether it was made now.
 * @throws {LogFailedError} If the file is another program's or another format's.
 */
export function createSchema(
  db: DatabaseSync,
  wantedId?: string,
): { id: string; isNew: boolean } {
  // Exclusive before WAL: then no other process can open the file at all.
  db.prepare("PRAGMA locking_mode = EXCLUSIVE").get();
  db.prepare("PRAGMA journal_mode = WAL").get();
  db.exec("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864");
  db.exec("BEGIN IMMEDIATE");
  try {
    const found = findOrCreate(db, wantedId);
    db.exec("COMMIT");
    return found;
  } catch (error) {
    // A full disk has ended the transaction already.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function findOrCreate(
  db: DatabaseSync,
  wantedId: string | undefined,
): { id: string; isNew: boolean } {
  const pragma = (name: string) =>
    Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0];
  const application = pragma("application_id");
  const format = pragma("user_version");
  const { tables } = db.prepare("SELECT count(*) AS tables FROM sqlite_schema")
    .get() as { tables: number };
  if (tables === 0) {
    db.exec(SCHEMA);
    db.exec(
      `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`,
    );
    const id = wantedId ?? crypto.getRandomValues(new Uint8Array(8)).toHex();
    db.prepare("INSERT INTO log (id) VALUES (?)").run(id);
    return { id, isNew: true };
  }
  if (application !== APPLICATION_ID) {
    throw new LogFailedError(
      "it is a database of another program: set another DATA_DIR",
    );
  }
  if (format !== FORMAT && format !== FORMAT_WITH_VERSIONS) {
    throw new LogFailedError(
      `it has format ${format}, this version reads formats ${FORMAT} and ${FORMAT_WITH_VERSIONS}: use the version that wrote it`,
    );
  }
  if (wantedId !== undefined && isUnused(db)) {
    db.prepare("UPDATE log SET id = ?").run(wantedId);
  }
  const { id } = db.prepare("SELECT id FROM log").get() as { id: string };
  return { id, isNew: false };
}

/** @returns Whether each entry in the file has a version; else all are of version 1. */
export function hasVersions(db: DatabaseSync): boolean {
  const { user_version } = db.prepare("PRAGMA user_version").get()!;
  return user_version === FORMAT_WITH_VERSIONS;
}

/**
 * Lets entries of the file have a version, in the transaction that writes the
 * first one of version 2. Older versions of the program, which can't read such
 * entries, open the file until then, and refuse it from then on.
 */
export function raiseFormat(db: DatabaseSync): void {
  db.exec(
    `ALTER TABLE entries ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
     PRAGMA user_version = ${FORMAT_WITH_VERSIONS}`,
  );
}

/** Whether the log has had no entry yet: it lets go of none without a snapshot. */
function isUnused(db: DatabaseSync): boolean {
  const { used } = db.prepare(
    `SELECT exists (SELECT 1 FROM entries)
       OR exists (SELECT 1 FROM bases WHERE complete = 1) AS used`,
  ).get() as { used: number };
  return used === 0;
}
