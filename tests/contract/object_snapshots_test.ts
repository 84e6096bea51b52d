import { FileStore } from "../../src/snapshot/file_store.ts";
import { flipBackupBit } from "../support/backup_bytes.ts";
import { Session, withClient } from "../support/jetstream_session.ts";
import { NatsServer } from "../support/nats_server.ts";
import { replaceChunks } from "../support/object_files.ts";
import { LOG_ID } from "../support/snapshots.ts";
import { testSnapshotStore } from "./snapshot_store_contract.ts";

testSnapshotStore("FileStore in a bucket", async () => {
  const server = await NatsServer.start();
  // The worker that the log runs in is tested with the bucket.
  let session = await Session.open(server);
  let store = new FileStore("NATS", session.log.files);
  const restart = async () => {
    await session[Symbol.asyncDispose]();
    session = await Session.open(server);
    store = new FileStore("NATS", session.log.files);
  };
  const change = async (
    id: string,
    how: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  ) => {
    await withClient(server, (client) => replaceChunks(client, id, how));
    await restart();
  };
  return {
    logId: LOG_ID,
    get store() {
      return store;
    },
    restart,
    flip: (id, where) => change(id, (bytes) => flipBackupBit(bytes, where)),
    truncate: (id) => change(id, (bytes) => bytes.slice(0, -20)),
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}, { runs: 4, many: 4 });
