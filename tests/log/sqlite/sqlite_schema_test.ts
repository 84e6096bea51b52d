import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { createSchema } from "../../../src/log/sqlite/sqlite_schema.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";

Deno.test("the embedded log's file is synced at each commit, and open for one process alone", () => {
  using folder = new TemporaryFolder();
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  createSchema(db);
  const pragma = (name: string) =>
    Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0];
  assert.equal(pragma("synchronous"), 2, "FULL");
  assert.equal(pragma("journal_mode"), "wal");
  assert.equal(pragma("locking_mode"), "exclusive");
  db.close();
});
