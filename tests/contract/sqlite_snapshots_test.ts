import { LogClient } from "../../src/log/thread/log_client.ts";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import { flipStoredBit, truncateStored } from "../support/sqlite_rows.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { testSnapshotStore } from "./snapshot_store_contract.ts";

testSnapshotStore("SqliteSnapshots", async () => {
  const folder = new TemporaryFolder();
  let log = new SqliteLog(folder.path);
  const { id: logId } = await log.open();
  const restart = async (change = () => {}) => {
    await log.close();
    change();
    log = new SqliteLog(folder.path);
    await log.open();
  };
  return {
    logId,
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
}, 60);

function client(): LogClient {
  const log = new LogClient();
  log.listen({
    entries: (_entries, _last, _bytes, taken) => taken(),
    status: () => {},
    firstSequence: () => {},
    limits: () => {},
    warn: () => {},
    proposalFailed: () => {},
    failed: (error) => {
      throw error;
    },
  });
  return log;
}

testSnapshotStore("SnapshotClient", async () => {
  const folder = new TemporaryFolder();
  const options = { engine: "sqlite", directory: folder.path } as const;
  let log = client();
  await log.connect(options);
  const { id: logId } = await log.open();
  const restart = async (change = () => {}) => {
    await log.close();
    change();
    log = client();
    await log.connect(options);
    await log.open();
  };
  return {
    logId,
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
}, 4);
