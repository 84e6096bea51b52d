/**
 * The main thread's side of the calls to a snapshot store.
 *
 * @module
 */
import type { Snapshot, SnapshotInfo } from "../../snapshot/snapshot.ts";
import type {
  SnapshotSink,
  SnapshotStore,
  StoredSnapshot,
} from "../../snapshot/store.ts";
import { blockBuffers, type RowBlock } from "../../storage/row_block.ts";
import type { Caller } from "./calls.ts";
import type { SnapshotCalls } from "./snapshot_calls.ts";
import { named } from "./store_errors.ts";

/** A {@linkcode SnapshotStore} that lives in another thread. */
export class SnapshotClient implements SnapshotStore {
  /** @param calls Calls what `snapshotHost()` made there. */
  constructor(private readonly calls: Caller<SnapshotCalls>) {}

  list(): Promise<StoredSnapshot[]> {
    return named(this.calls.call("listSnapshots", undefined));
  }

  delete(id: string): Promise<void> {
    return named(this.calls.call("deleteSnapshot", id));
  }

  async open(id: string, signal: AbortSignal): Promise<Snapshot> {
    const { reader, info } = await named(this.calls.call("openSnapshot", id));
    const close = () => {
      signal.removeEventListener("abort", close);
      // A worker that is gone has nothing open.
      this.calls.call("closeSnapshot", reader).catch(() => {});
    };
    signal.addEventListener("abort", close);
    return {
      info,
      blocks: this.#read(reader, signal),
      [Symbol.dispose]: close,
    };
  }

  /** Asks for the next rows while those before them are used. */
  async *#read(reader: number, signal: AbortSignal): AsyncGenerator<RowBlock> {
    const ask = () => {
      const answer = named(this.calls.call("readSnapshot", reader));
      // It may fail while nobody waits for it yet, or any more.
      answer.catch(() => {});
      return answer;
    };
    for (let next = ask();;) {
      const rows = await next;
      signal.throwIfAborted();
      if (rows === undefined) return;
      next = ask();
      yield rows;
    }
  }

  async verify(id: string, signal: AbortSignal): Promise<StoredSnapshot> {
    const { calls } = this;
    signal.throwIfAborted();
    const verification = await named(calls.call("beginVerification", id));
    const abort = () => {
      // A worker that is gone verifies nothing.
      calls.call("abortVerification", verification).catch(() => {});
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    try {
      return await named(calls.call("verified", verification));
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async create(info: SnapshotInfo): Promise<SnapshotSink> {
    const { calls } = this;
    const writer = await named(calls.call("createSnapshot", info));
    return {
      write: (rows) =>
        named(
          calls.call("writeSnapshot", { writer, rows }, blockBuffers(rows)),
        ),
      commit: () => named(calls.call("commitSnapshot", writer)),
      abort: () => named(calls.call("abortSnapshot", writer)),
    };
  }
}
