/**
 * Restoring a snapshot: the only way to bring a state into this process.
 *
 * @module
 */
import { Storage } from "../storage/storage.ts";
import { EVENT_LOOP } from "./event_loop.ts";
import {
  type Snapshot,
  SnapshotDamagedError,
  type SnapshotInfo,
} from "./snapshot.ts";

/** After how much work other work gets its turn: probes and gets wait no longer. */
export const SLICE_MS = 5;

/** Told how a restore goes. */
export interface RestoreObserver {
  /**
   * At the start, after each slice of work and at the end.
   *
   * @param rows How many rows are restored.
   * @param percent How much that is of all rows, 0 to 100.
   */
  progress(rows: number, percent: number): void;
}

/**
 * Reads a snapshot into a fresh storage, so that nothing of it stays if it turns
 * out to be damaged.
 *
 * @param snapshot The snapshot; the caller disposes of it.
 * @param observer Told how it goes.
 * @param loop Where it is done, slice by slice.
 * @returns The state that its info describes: rows and digest are verified.
 * @throws {SnapshotDamagedError} If the snapshot is not what its info says; and
 * whatever reading it throws.
 * @throws {TableFullError} If there is no memory for all of it.
 */
export async function restore(
  { info, blocks }: Snapshot,
  observer: RestoreObserver,
  loop = EVENT_LOOP,
): Promise<Storage> {
  const storage = new Storage();
  let rows = 0;
  const tell = () => observer.progress(rows, percentOf(rows, info.rows));
  tell();
  storage.expect(info.rows);
  let sliceEnd_ms = loop.now() + SLICE_MS;
  for await (const block of blocks) {
    rows += block.count;
    if (rows > info.rows) {
      throw damaged(`it has ${rows} or more rows and says ${info.rows}`);
    }
    storage.restore(block);
    if (loop.now() >= sliceEnd_ms) {
      tell();
      await loop.pause();
      sliceEnd_ms = loop.now() + SLICE_MS;
    }
  }
  tell();
  if (rows !== info.rows) {
    throw damaged(`it has ${rows} rows and says ${info.rows}`);
  }
  checkState(storage, info);
  return storage;
}

function checkState(storage: Storage, { rows, digest }: SnapshotInfo): void {
  if (storage.size !== rows) {
    throw damaged(`it has ${storage.size} users and says ${rows}`);
  }
  if (digest !== undefined && storage.digest !== digest) {
    throw damaged(`its digest is ${storage.digest} and it says ${digest}`);
  }
}

function percentOf(rows: number, total: number): number {
  return total === 0 ? 100 : Math.floor(100 * rows / total);
}

function damaged(reason: string): SnapshotDamagedError {
  return new SnapshotDamagedError(`damaged: ${reason}`);
}
