/**
 * A program that writes snapshots into a folder, reads them back and deletes
 * old ones until it is killed. Arguments: the folder, and how many users.
 *
 * @module
 */
import { FileStore } from "../../src/snapshot/file_store.ts";
import { FolderPlace } from "../../src/snapshot/folder_place.ts";
import { saveSnapshot } from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { snapshotOf } from "./snapshots.ts";

const [folder, users] = Deno.args;
const store = new FileStore("the folder", new FolderPlace(folder));
const storage = new Storage();
for (let i = 0; i < Number(users); i++) storage.set({ user_id: `user-${i}` });

for (let sequence = 1;; sequence++) {
  using snapshot = snapshotOf(storage, { sequence });
  console.log("writing");
  const { id } = await saveSnapshot(snapshot, store);
  await store.verify(id, new AbortController().signal);
  const [, , ...old] = await store.list();
  for (const { id } of old) await store.delete(id);
}
