import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { ENTRY_BYTES_MAX } from "../../src/log/entry_payload.ts";
import {
  LogFailedError,
  type LogLimits,
  NO_RETENTION,
} from "../../src/log/log.ts";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import { SqliteSnapshots } from "../../src/log/sqlite/sqlite_snapshots.ts";
import { SnapshotDamagedError } from "../../src/snapshot/snapshot.ts";
import { saveSnapshot } from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { eventually } from "../support/eventually.ts";
import { restoreAll, snapshotOf } from "../support/snapshots.ts";
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

/** Writes `sets` users through a log, and a snapshot of them if wanted. */
async function fill(
  folder: string,
  { sets, snapshot }: { sets: number; snapshot: "none" | "half" | "whole" },
): Promise<Storage> {
  const log = new SqliteLog(folder);
  const { id: logId, lastSequence } = await log.open();
  const storage = new Storage();
  for (let i = 1; i <= sets; i++) {
    await log.propose(i, payload(`[{"user_id":"u${i}","spp":${i}}]`));
    storage.set({ user_id: `u${i}`, spp: i });
  }
  if (snapshot !== "none") {
    const sequence = lastSequence + sets;
    using taken = snapshotOf(storage, { logId, sequence });
    const sink = await log.snapshots.create(taken.info);
    for await (const rows of taken.blocks) await sink.write(rows);
    if (snapshot === "whole") await sink.commit();
  }
  await log.close();
  return storage;
}

/** The sequences of the entries in the file. */
function sequencesIn(folder: string): unknown[] {
  const db = new DatabaseSync(`${folder}/usergrade.db`);
  const rows = db.prepare("SELECT sequence FROM entries").all();
  db.close();
  return rows.map(({ sequence }) => sequence);
}

Deno.test("SqliteLog.trim() lets go of the entries before one, and goes on in sequence after a restart", async () => {
  using folder = new TemporaryFolder();
  await fill(folder.path, { sets: 1234, snapshot: "whole" });
  const log = new SqliteLog(folder.path);
  const info = await log.open();
  assert.deepEqual([info.firstSequence, info.lastSequence], [1, 1234]);
  assert.equal(await log.trim(1000), 1000);
  const { firstSequence, time } = await log.locate(1000);
  assert.equal(firstSequence, 1000);
  assert.ok(time !== undefined);
  assert.equal(await log.trim(1234), 1234);
  assert.equal(await log.trim(7), 1234);
  await assert.rejects(log.trim(1235), RangeError);
  // The old entries go a little at a time, between other work.
  for (let i = 0; i < 20; i++) await sleep(0);
  await log.close();
  assert.deepEqual(sequencesIn(folder.path), [1234]);

  const again = new SqliteLog(folder.path);
  assert.equal((await again.open()).lastSequence, 1234);
  await again.propose(1, payload(`[{"user_id":"x"}]`));
  assert.equal(again.lastSequence, 1235);
  await again.close();
});

Deno.test("SqliteLog tells what it has: when it is open, while entries come, and once old ones are gone", async () => {
  using folder = new TemporaryFolder();
  const told: LogLimits[] = [];
  const open = async () => {
    const log = new SqliteLog(folder.path, () => {}, (one) => told.push(one));
    const { id } = await log.open();
    return { log, id };
  };
  const { log, id } = await open();
  const unlimited = {
    id,
    retention: NO_RETENTION,
    entryBytesMax: ENTRY_BYTES_MAX,
  };
  const empty = { ...unlimited, firstSequence: 1, lastSequence: 0, bytes: 0 };
  assert.deepEqual(told, [empty]);
  for (let i = 1; i <= 700; i++) await log.propose(i, payload("x".repeat(100)));
  await eventually(() => assert.equal(told.length, 2));
  const whole = { ...empty, lastSequence: 700, bytes: 70_000 };
  assert.deepEqual(told[1], whole);
  await log.trim(601);
  assert.equal(told[2].firstSequence, 601);
  await eventually(() => {
    assert.deepEqual(told.at(-1), {
      ...whole,
      firstSequence: 601,
      bytes: 10_000,
    });
  });
  await log.close();
  const again = await open();
  assert.equal(told.at(-1)!.bytes, 10_000);
  await again.log.close();
});

Deno.test("SqliteLog opens a file whose entries a snapshot has all replaced, as older versions left it", async () => {
  using folder = new TemporaryFolder();
  const written = await fill(folder.path, { sets: 300, snapshot: "whole" });
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  db.exec("DELETE FROM entries");
  db.close();
  const log = new SqliteLog(folder.path);
  const info = await log.open();
  assert.deepEqual([info.firstSequence, info.lastSequence], [301, 300]);
  const [{ id }] = await log.snapshots.list();
  const { signal } = new AbortController();
  const restored = await restoreAll(await log.snapshots.open(id, signal));
  assert.equal(restored.digest, written.digest);
  await log.propose(1, payload(`[{"user_id":"x"}]`));
  assert.equal(log.lastSequence, 301);
  await log.close();
});

Deno.test("SqliteLog frees the room of a half-written snapshot and keeps the entries", async () => {
  using folder = new TemporaryFolder();
  await fill(folder.path, { sets: 300, snapshot: "half" });
  const log = new SqliteLog(folder.path);
  const info = await log.open();
  assert.deepEqual(await log.snapshots.list(), []);
  assert.equal(info.firstSequence, 1);
  assert.equal(info.lastSequence, 300);
  for (let i = 0; i < 20; i++) await sleep(0);
  await log.close();
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  assert.deepEqual(db.prepare("SELECT * FROM base_rows").all(), []);
  assert.deepEqual(db.prepare("SELECT * FROM bases").all(), []);
  db.close();
});

Deno.test("SqliteSnapshots refuses rows that have any bit flipped on the disk", async () => {
  using folder = new TemporaryFolder();
  const storage = new Storage();
  const ids = ["a", "bb", "日本", "x".repeat(40)];
  for (const user_id of ids) {
    storage.set({ user_id, spp: 2 ** 40, return_fee: -1 });
  }
  const log = new SqliteLog(folder.path);
  const { id: logId } = await log.open();
  using snapshot = snapshotOf(storage, { logId });
  const { id } = await saveSnapshot(snapshot, log.snapshots);
  await log.close();
  const file = `${folder.path}/usergrade.db`;
  const { signal } = new AbortController();
  let same = 0;
  for (const column of ["keys", "key_ends", "numbers"]) {
    const db = new DatabaseSync(file);
    const { cell } = db.prepare(`SELECT ${column} AS cell FROM base_rows`)
      .get() as { cell: Uint8Array };
    const write = (bytes: Uint8Array) =>
      db.prepare(`UPDATE base_rows SET ${column} = ?`).run(bytes);
    const snapshots = new SqliteSnapshots(db, logId);
    for (let bit = 0; bit < 8 * cell.length; bit++) {
      const flipped = cell.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      write(flipped);
      const damaged = await snapshots.open(id, signal);
      try {
        // 0 may become -0, which is stored as 0.
        const copy = await restoreAll(damaged);
        for (const id of ids) assert.deepEqual(copy.get(id), storage.get(id));
        same++;
      } catch (error) {
        assert.ok(
          error instanceof SnapshotDamagedError,
          `bit ${bit} of ${column}: ${error}`,
        );
      }
    }
    for (const bytes of [cell.slice(1), new Uint8Array(cell.length + 3)]) {
      write(bytes);
      const damaged = await snapshots.open(id, signal);
      await assert.rejects(restoreAll(damaged), SnapshotDamagedError);
    }
    write(cell);
    await restoreAll(await snapshots.open(id, signal));
    snapshots.close();
    db.close();
  }
  assert.equal(same, 2 * ids.length);
});

Deno.test("SqliteLog raises its file's format with the first entry of version 2, and not before: older programs open the file until then", async () => {
  using folder = new TemporaryFolder();
  const formatAndColumns = () => {
    const db = new DatabaseSync(`${folder.path}/usergrade.db`);
    const { user_version } = db.prepare("PRAGMA user_version").get()!;
    const columns = db.prepare("PRAGMA table_info(entries)").all();
    db.close();
    return [user_version, columns.map(({ name }) => name)];
  };
  await fill(folder.path, { sets: 2, snapshot: "none" });
  assert.deepEqual(formatAndColumns(), [1, ["sequence", "time", "payload"]]);
  const log = new SqliteLog(folder.path);
  await log.open();
  const deletion = payload('[{"user_id":"u1","deleted":true}]');
  for (const [batch, version] of [[1, 1], [2, 2], [3, 1], [4, 2]] as const) {
    await log.propose(batch, deletion, version);
  }
  await log.close();
  const raised = [2, ["sequence", "time", "payload", "version"]];
  assert.deepEqual(formatAndColumns(), raised);

  const again = new SqliteLog(folder.path);
  await again.open();
  const versions: unknown[] = [];
  for await (const { entries } of again.entries(0)) {
    versions.push(...entries.map(({ version }) => version));
    break;
  }
  assert.deepEqual(versions, [1, 1, 1, 2, 1, 2]);
  await again.close();
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
    await fill(folder.path, { sets: 1, snapshot: "none" });
    const db = new DatabaseSync(`${folder.path}/usergrade.db`);
    db.exec("PRAGMA user_version = 3");
    db.close();
    await assert.rejects(
      new SqliteLog(folder.path).open(),
      /format 3, this version reads formats 1 and 2: use the version that wrote it/,
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
  await fill(folder.path, { sets: 10, snapshot: "none" });
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  db.exec("DELETE FROM entries WHERE sequence >= 8 AND sequence < 10");
  db.close();
  const log = new SqliteLog(folder.path);
  await log.open();
  const sequences: number[] = [];
  for await (const { entries } of log.entries(0)) {
    sequences.push(...entries.map(({ sequence }) => sequence));
    if (sequences.includes(10)) break;
  }
  assert.deepEqual(sequences, [1, 2, 3, 4, 5, 6, 7, 10]);
  await log.close();
});

Deno.test("SqliteLog.open() gives the wanted identity to a log that is new or has had no entry, and to no other", async () => {
  using folder = new TemporaryFolder();
  const open = async (id?: string) => {
    const log = new SqliteLog(folder.path);
    const found = await log.find();
    const info = await log.open(id);
    return { log, found, info };
  };
  const ids = ["0123456789abcdef", "123456789abcdef0", "23456789abcdef01"];
  const first = await open(ids[0]);
  assert.equal(first.found, undefined);
  assert.deepEqual(first.info, {
    id: ids[0],
    isNew: true,
    firstSequence: 1,
    lastSequence: 0,
  });
  await first.log.close();
  const second = await open(ids[1]);
  assert.equal(second.found?.id, ids[0]);
  assert.equal(second.info.id, ids[1]);
  // Its snapshots are of that log.
  await saveSnapshot(
    snapshotOf(new Storage(), { logId: ids[1], sequence: 0, time: null }),
    second.log.snapshots,
  );
  await second.log.propose(1, payload("[]"));
  await second.log.close();
  const third = await open(ids[2]);
  assert.equal(third.info.id, ids[1]);
  await third.log.close();
});

Deno.test("SqliteLog.moveTo() lets a log without entries begin after a snapshot that was read back, as a restart at any step does", async () => {
  using folder = new TemporaryFolder();
  const storage = new Storage();
  for (let i = 0; i < 5_000; i++) storage.set({ user_id: `u${i}`, spp: i });
  const log = new SqliteLog(folder.path);
  const { id: logId } = await log.open();
  const point = { sequence: 120, digest: storage.digest };
  await assert.rejects(log.moveTo(point), RangeError);
  const { id } = await saveSnapshot(
    snapshotOf(storage, { logId }),
    log.snapshots,
  );
  await assert.rejects(
    log.moveTo(point),
    /no such snapshot that was read back/,
  );
  await log.snapshots.verify(id, new AbortController().signal);
  await assert.rejects(
    log.moveTo({ ...point, digest: "0123456789abcdef" }),
    RangeError,
  );
  await log.moveTo(point);
  await assert.rejects(log.moveTo(point), /it ends at 120/);
  assert.deepEqual(await log.locate(120), {
    firstSequence: 121,
    lastSequence: 120,
    time: undefined,
  });
  await log.propose(1, payload('[{"user_id":"u1"}]'));
  assert.equal(log.lastSequence, 121);
  await log.close();

  const again = new SqliteLog(folder.path);
  const info = await again.find();
  assert.deepEqual([info?.firstSequence, info?.lastSequence], [121, 121]);
});
