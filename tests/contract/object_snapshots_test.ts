import { FileStore } from "../../src/snapshot/file_store.ts";
import { flipBackupBit } from "../support/backup_bytes.ts";
import { BucketClient } from "../support/bucket_client.ts";
import { withClient } from "../support/jetstream_session.ts";
import { NatsServer } from "../support/nats_server.ts";
import { replaceChunks } from "../support/object_files.ts";
import { LOG_ID } from "../support/snapshots.ts";
import { testSnapshotStore } from "./snapshot_store_contract.ts";

testSnapshotStore("FileStore in a bucket", async () => {
  const server = await NatsServer.start();
  let client = await BucketClient.open(server);
  let store = new FileStore("NATS", client.files);
  const restart = async () => {
    await client[Symbol.asyncDispose]();
    client = await BucketClient.open(server);
    store = new FileStore("NATS", client.files);
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
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}, 4);
