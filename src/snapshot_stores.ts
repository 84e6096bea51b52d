/**
 * Where one replica keeps snapshots.
 *
 * @module
 */
import type { Config } from "./config/config.ts";
import type { LogClient } from "./log/thread/log_client.ts";
import type { NamedStore } from "./replica/snapshot_search.ts";
import type { FilePlace } from "./snapshot/file_place.ts";
import { FileStore } from "./snapshot/file_store.ts";
import { FolderPlace } from "./snapshot/folder_place.ts";
import type { SnapshotStores } from "./snapshot_keeper.ts";

/**
 * @param config Which stores are wanted.
 * @param log The log, which keeps the snapshots that it is cut behind.
 */
export function snapshotStores(
  { nats, snapshots: { folder } }: Config,
  log: LogClient,
): SnapshotStores {
  const own = nats === undefined
    ? { name: "the log's file", store: log.snapshots }
    : filesIn(`the bucket ${nats.stream}-snapshots`, log.files);
  return {
    own: { ...own, isShared: nats !== undefined },
    folder: folder && {
      ...filesIn(`the folder ${folder.path}`, new FolderPlace(folder.path)),
      kept: folder.kept,
    },
  };
}

/** @returns The stores, in the order in which a restore tries them. */
export function inOrder({ own, folder }: SnapshotStores): NamedStore[] {
  return folder === undefined ? [own] : [own, folder];
}

function filesIn(name: string, place: FilePlace): NamedStore {
  return { name, store: new FileStore(name, place) };
}
