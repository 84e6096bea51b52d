/**
 * The worker's side of the calls to a snapshot store.
 *
 * @module
 */
import type {
  SnapshotSink,
  SnapshotStore,
  StoredSnapshot,
} from "../../snapshot/store.ts";
import { blockBuffers, type RowBlock } from "../../storage/row_block.ts";
import { HandedOver } from "./calls.ts";
import { Numbered } from "./numbered.ts";
import type { SnapshotCalls } from "./snapshot_calls.ts";

/** A snapshot that is being read. */
interface Reader {
  readonly blocks: AsyncIterator<RowBlock>;
  close(): void;
}

/** A snapshot that is being read back. */
interface Verification {
  readonly result: Promise<StoredSnapshot>;
  abort(): void;
}

/**
 * @param store Gives the store, which is there once the log is open.
 * @returns What is called.
 */
export function snapshotHost(store: () => SnapshotStore): SnapshotCalls {
  return {
    listSnapshots: () => store().list(),
    deleteSnapshot: (id) => store().delete(id),
    ...readCalls(store),
    ...verifyCalls(store),
    ...writeCalls(store),
  };
}

function readCalls(
  store: () => SnapshotStore,
): Pick<SnapshotCalls, "openSnapshot" | "readSnapshot" | "closeSnapshot"> {
  const readers = new Numbered<Reader>("reader");
  const close = (reader: number): undefined => {
    readers.remove(reader)?.close();
  };
  return {
    openSnapshot: async (id) => {
      readers.checkRoom();
      const abort = new AbortController();
      const snapshot = await store().open(id, abort.signal);
      const reader = readers.add({
        blocks: snapshot.blocks[Symbol.asyncIterator](),
        close: () => {
          abort.abort();
          snapshot[Symbol.dispose]();
        },
      });
      return { reader, info: snapshot.info };
    },
    readSnapshot: async (reader) => {
      const { done, value } = await readers.get(reader).blocks.next();
      if (done) return close(reader);
      return new HandedOver(value, blockBuffers(value));
    },
    closeSnapshot: close,
  };
}

function verifyCalls(
  store: () => SnapshotStore,
): Pick<SnapshotCalls, "beginVerification" | "verified" | "abortVerification"> {
  const verifications = new Numbered<Verification>("verification");
  return {
    beginVerification: (id) => {
      verifications.checkRoom();
      const abort = new AbortController();
      const result = store().verify(id, abort.signal);
      // It may fail before anyone waits for it.
      result.catch(() => {});
      return verifications.add({ result, abort: () => abort.abort() });
    },
    verified: async (verification) => {
      try {
        return await verifications.get(verification).result;
      } finally {
        verifications.remove(verification);
      }
    },
    abortVerification: (verification): undefined => {
      verifications.remove(verification)?.abort();
    },
  };
}

function writeCalls(
  store: () => SnapshotStore,
): Pick<
  SnapshotCalls,
  "createSnapshot" | "writeSnapshot" | "commitSnapshot" | "abortSnapshot"
> {
  const writers = new Numbered<SnapshotSink>("writer");
  return {
    createSnapshot: async (info) => {
      writers.checkRoom();
      return writers.add(await store().create(info));
    },
    writeSnapshot: ({ writer, rows }) => writers.get(writer).write(rows),
    commitSnapshot: async (writer) => {
      const stored = await writers.get(writer).commit();
      writers.remove(writer);
      return stored;
    },
    abortSnapshot: async (writer) => await writers.remove(writer)?.abort(),
  };
}
