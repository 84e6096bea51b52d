import assert from "node:assert/strict";
import { FileStore } from "../../src/snapshot/file_store.ts";
import { FolderPlace } from "../../src/snapshot/folder_place.ts";
import { flipBackupBit } from "../support/backup_bytes.ts";
import { LOG_ID } from "../support/snapshots.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { testSnapshotStore } from "./snapshot_store_contract.ts";

/** Where a snapshot's file is, read back or not. */
function fileOf(folder: string, id: string): string {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const name = names.find((name) => name === id || name === `${id}.unverified`);
  assert.ok(name, `${id} is not among ${names}`);
  return `${folder}/${name}`;
}

testSnapshotStore("FileStore in a folder", () => {
  const folder = new TemporaryFolder();
  const open = () =>
    new FileStore("the folder", new FolderPlace(`${folder.path}/made/here`));
  let store = open();
  const change = (
    id: string,
    how: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  ) => {
    const path = fileOf(`${folder.path}/made/here`, id);
    Deno.writeFileSync(path, how(Deno.readFileSync(path)));
    store = open();
    return Promise.resolve();
  };
  return Promise.resolve({
    logId: LOG_ID,
    get store() {
      return store;
    },
    restart: () => {
      store = open();
      return Promise.resolve();
    },
    flip: (id, where) => change(id, (bytes) => flipBackupBit(bytes, where)),
    truncate: (id) => change(id, (bytes) => bytes.slice(0, -20)),
    [Symbol.asyncDispose]: () => {
      folder[Symbol.dispose]();
      return Promise.resolve();
    },
  });
}, { runs: 4, many: 4 });
