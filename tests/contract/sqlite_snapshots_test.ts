import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import { saveSnapshot, type SnapshotStore } from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { quietLog } from "../support/quiet_log.ts";
import { snapshotOf } from "../support/snapshots.ts";
import { flipStoredBit, truncateStored } from "../support/sqlite_rows.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import {
  type StorePlace,
  testSnapshotStore,
} from "./snapshot_store_contract.ts";

/** A log that keeps snapshots, and is open. */
interface OpenLog {
  readonly logId: string;
  readonly snapshots: SnapshotStore;
  close(): Promise<void>;
}

/** @param open Opens the log of a folder. */
async function placeOf(
  open: (directory: string) => Promise<OpenLog>,
): Promise<StorePlace> {
  const folder = new TemporaryFolder();
  let log = await open(folder.path);
  const restart = async (change = () => {}) => {
    await log.close();
    change();
    log = await open(folder.path);
  };
  return {
    logId: log.logId,
    get store() {
      return log.snapshots;
    },
    restart,
    flip: (id, where) => restart(() => flipStoredBit(folder.path, id, where)),
    truncate: (id) => restart(() => truncateStored(folder.path, id)),
    [Symbol.asyncDispose]: async () => {
      await log.close();
      folder[Symbol.dispose]();
    },
  };
}

const openHere = async (directory: string): Promise<OpenLog> => {
  const log = new SqliteLog(directory);
  const { id: logId } = await log.open();
  return { logId, snapshots: log.snapshots, close: () => log.close() };
};

const openInWorker = async (directory: string): Promise<OpenLog> => {
  const log = quietLog();
  await log.connect({ engine: "sqlite", directory });
  const { id: logId } = await log.open();
  return { logId, snapshots: log.snapshots, close: () => log.close() };
};

/** More than the 16 snapshots that the other thread has open at a time. */
const MANY = 18;

testSnapshotStore("SqliteSnapshots", () => placeOf(openHere), {
  runs: 30,
  many: MANY,
});

testSnapshotStore("SnapshotClient", () => placeOf(openInWorker), {
  runs: 4,
  many: MANY,
});

const { signal: never } = new AbortController();

/** A log with a snapshot of many users. */
async function withSnapshot(directory: string, users: number) {
  const log = new SqliteLog(directory);
  const { id: logId } = await log.open();
  const storage = new Storage();
  for (let i = 0; i < users; i++) storage.set({ user_id: `user-${i}` });
  using snapshot = snapshotOf(storage, { logId, sequence: 0 });
  const stored = await saveSnapshot(snapshot, log.snapshots);
  return { log, stored };
}

Deno.test("SqliteSnapshots lets the log commit between any two parts that it reads back", async () => {
  using folder = new TemporaryFolder();
  const { log, stored } = await withSnapshot(folder.path, 200_000);
  let isVerified = false;
  const verifying = log.snapshots.verify(stored.id, never)
    .finally(() => isVerified = true);
  const payload = new TextEncoder().encode('[{"user_id":"a"}]');
  while (!isVerified) {
    await log.propose(log.lastSequence + 1, payload);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await verifying;
  // Parts have 4,096 rows.
  assert.ok(log.lastSequence >= 200_000 / 4096, `${log.lastSequence} entries`);
  await log.close();
});

Deno.test("SqliteSnapshots marks what is verified where version 1.1 still finds the snapshot", async () => {
  using folder = new TemporaryFolder();
  const { log, stored } = await withSnapshot(folder.path, 3);
  await log.snapshots.verify(stored.id, never);
  await log.close();
  const db = new DatabaseSync(`${folder.path}/usergrade.db`);
  // As that version lists and reads them.
  const [base] = db.prepare("SELECT id, rows FROM bases WHERE complete = 1")
    .all();
  assert.deepEqual({ ...base }, { id: Number(stored.id), rows: 3 });
  const parts = db.prepare(
    "SELECT part FROM base_rows WHERE base = ? AND part >= 0",
  ).all(stored.id);
  assert.deepEqual(parts.map(({ part }) => part), [0]);
  db.close();
});
