import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { LogFailedError } from "../../src/log/log.ts";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import { Storage } from "../../src/storage/storage.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { testReplicatedLog } from "./replicated_log_contract.ts";

testReplicatedLog("SqliteLog", () => {
  const folder = new TemporaryFolder();
  return Promise.resolve({
    log: () => new SqliteLog(folder.path),
    [Symbol.asyncDispose]: () => {
      folder[Symbol.dispose]();
      return Promise.resolve();
    },
  });
});

function payload(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Writes `sets` users through a log, and a base of them if wanted. */
async function fill(
  folder: string,
  { sets, base }: { sets: number; base: "none" | "half" | "whole" },
): Promise<Storage> {
  const log = new SqliteLog(folder);
  const { lastSequence } = await log.open();
  const storage = new Storage();
  for (let i = 1; i <= sets; i++) {
    await log.propose(i, payload(`[{"user_id":"u${i}","spp":${i}}]`));
    storage.set({ user_id: `u${i}`, spp: i });
  }
  if (base !== "none") {
    const { table, digest } = storage.snapshot();
    log.beginBase({
      sequence: lastSequence + sets,
      time: "2026-01-01T00:00:00Z",
      rows: table.rows,
      digest,
    });
    for (let rows; (rows = table.read(100)) !== undefined;) {
      log.writeBase(rows);
    }
    table.close();
    if (base === "whole") log.commitBase();
  }
  await log.close();
  return storage;
}

Deno.test("SqliteLog keeps a base and deletes the entries that it replaces", async () => {
  using folder = new TemporaryFolder();
  const written = await fill(folder.path, { sets: 1234, base: "whole" });
  const log = new SqliteLog(folder.path);
  const info = await log.open();
  assert.deepEqual(
    { ...info.base, id: 0 },
    {
      id: 0,
      sequence: 1234,
      time: "2026-01-01T00:00:00Z",
      rows: 1234,
      digest: written.digest,
    },
  );
  assert.equal(info.firstSequence, 1235);
  assert.equal(info.lastSequence, 1234);
  const restored = new Storage();
  for (const rows of log.readBase()) restored.restore(rows);
  assert.equal(restored.digest, written.digest);
  // The old entries go a little at a time, between other work.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await log.propose(1, payload(`[{"user_id":"x"}]`));
  await log.close();
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  assert.deepEqual(
    db.prepare("SELECT sequence FROM entries").all().map((row) => row.sequence),
    [1235],
  );
  db.close();
});

Deno.test("SqliteLog deletes a half-written base and keeps the entries", async () => {
  using folder = new TemporaryFolder();
  await fill(folder.path, { sets: 300, base: "half" });
  const log = new SqliteLog(folder.path);
  const info = await log.open();
  assert.equal(info.base, undefined);
  assert.equal(info.firstSequence, 1);
  assert.equal(info.lastSequence, 300);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await log.close();
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  assert.deepEqual(db.prepare("SELECT * FROM base_rows").all(), []);
  assert.deepEqual(db.prepare("SELECT * FROM bases").all(), []);
  db.close();
});

Deno.test("SqliteLog replaces a base with a newer one", async () => {
  using folder = new TemporaryFolder();
  await fill(folder.path, { sets: 300, base: "whole" });
  const written = await fill(folder.path, { sets: 400, base: "whole" });
  const log = new SqliteLog(folder.path);
  const info = await log.open();
  assert.equal(info.base?.sequence, 700);
  assert.equal(info.base?.digest, written.digest);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await log.close();
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  assert.deepEqual(
    db.prepare("SELECT DISTINCT base FROM base_rows").all().length,
    1,
  );
  db.close();
});

Deno.test("SqliteLog refuses a file of another program, of another format, or damaged", async (t) => {
  const refuses = async (make: (file: string) => void, says: RegExp) => {
    using folder = new TemporaryFolder();
    make(`${folder.path}/usergrade.db`);
    await assert.rejects(new SqliteLog(folder.path).open(), (error) => {
      assert.ok(error instanceof LogFailedError);
      assert.match(error.message, says);
      return true;
    });
  };
  await t.step("another program's", () =>
    refuses((file) => {
      const db = new DatabaseSync(file);
      db.exec("CREATE TABLE t (x)");
      db.close();
    }, /another program: set another DATA_DIR/));
  await t.step("another format", async () => {
    using folder = new TemporaryFolder();
    await fill(folder.path, { sets: 1, base: "none" });
    const db = new DatabaseSync(`${folder.path}/usergrade.db`);
    db.exec("PRAGMA user_version = 2");
    db.close();
    await assert.rejects(
      new SqliteLog(folder.path).open(),
      /format 2, this version reads format 1: use the version that wrote it/,
    );
  });
  await t.step("not a database", () =>
    refuses(
      (file) => Deno.writeTextFileSync(file, "hello ".repeat(1000)),
      /damaged, put back a copy/,
    ));
  await t.step("in use", async () => {
    using folder = new TemporaryFolder();
    const first = new SqliteLog(folder.path);
    await first.open();
    // Another process, since one process shares its own locks.
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { SqliteLog } from ${
          JSON.stringify(
            new URL("../../src/log/sqlite/sqlite_log.ts", import.meta.url).href,
          )
        };
         await new SqliteLog(${JSON.stringify(folder.path)}).open();`,
      ],
      stderr: "piped",
    }).output();
    assert.match(
      new TextDecoder().decode(stderr),
      /in use by another process: stop that one, or set another DATA_DIR/,
    );
    await first.close();
  });
});

Deno.test("SqliteLog does not hide a gap in its file from the replica, which stops at it", async () => {
  using folder = new TemporaryFolder();
  await fill(folder.path, { sets: 10, base: "none" });
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  db.exec("DELETE FROM entries WHERE sequence >= 8 AND sequence < 10");
  db.close();
  const log = new SqliteLog(folder.path);
  await log.open();
  const sequences: number[] = [];
  for await (const entries of log.entries(0)) {
    sequences.push(...entries.map(({ sequence }) => sequence));
    if (sequences.includes(10)) break;
  }
  assert.deepEqual(sequences, [1, 2, 3, 4, 5, 6, 7, 10]);
  await log.close();
});
