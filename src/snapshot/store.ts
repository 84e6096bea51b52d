/**
 * A store of snapshots.
 *
 * @module
 */
import type { RowBlock } from "../storage/row_block.ts";
import type { Snapshot, SnapshotInfo } from "./snapshot.ts";
import type { SnapshotSource } from "./source.ts";

/** A snapshot in a store. */
export interface StoredSnapshot {
  /** Its name in the store. No later snapshot ever has the same. */
  readonly id: string;
  readonly info: SnapshotInfo;
  /** How many bytes the store keeps of it. */
  readonly bytes: number;
  /**
   * Whether it was read back whole after it was written. Where the store can't
   * keep that, it is false again after a restart.
   */
  readonly isVerified: boolean;
}

/** Keeps snapshots. One contract test suite holds all stores. */
export interface SnapshotStore {
  /**
   * Only snapshots that were committed are listed: never one that is being
   * written, was aborted, or whose writer died.
   *
   * @returns The snapshots, newest first: by sequence, then the last committed.
   */
  list(): Promise<StoredSnapshot[]>;

  /**
   * @param id A snapshot's name.
   * @param signal Aborts the reading.
   * @returns The snapshot, to be disposed of after use. Others may be read and
   * written meanwhile.
   * @throws {SnapshotStoreError} If there is none.
   */
  open(id: string, signal: AbortSignal): Promise<Snapshot>;

  /**
   * Reads a snapshot back whole, off the main thread and in slices, so that the
   * log's work goes on: check sums, number of rows, digest.
   *
   * @param id A snapshot's name.
   * @param signal Aborts it.
   * @returns The snapshot, which is verified now.
   * @throws {SnapshotDamagedError} If it is not what its info says.
   * @throws {SnapshotStoreError} If it can't be read now, or is not there: that
   * says nothing about it.
   */
  verify(id: string, signal: AbortSignal): Promise<StoredSnapshot>;

  /**
   * Begins a snapshot.
   *
   * @param info What it will be; with its digest, which is needed to verify it.
   * @throws {SnapshotStoreError} If the store can't take it.
   */
  create(info: SnapshotInfo): Promise<SnapshotSink>;

  /** Deletes a snapshot. Deleting one that is not there is harmless. */
  delete(id: string): Promise<void>;
}

/** A snapshot that is being written. It ends by a commit or an abort. */
export interface SnapshotSink {
  /**
   * Writes some of its rows; one call after the other.
   *
   * @param rows The rows, whose buffers must not be used any more.
   * @throws {SnapshotStoreError} If they can't be written: abort then.
   */
  write(rows: RowBlock): Promise<void>;

  /**
   * Makes it a snapshot of the store.
   *
   * @throws {SnapshotStoreError} If it can't be, or the number of rows written
   * is not that of its info: abort then.
   */
  commit(): Promise<StoredSnapshot>;

  /** Throws away what was written, if it is not committed. */
  abort(): Promise<void>;
}

/** A store can't do what it was asked to. */
export class SnapshotStoreError extends Error {
  override name = "SnapshotStoreError";
}

/**
 * The store may not be used at all: a permission is missing. The message says
 * which, and how to give it.
 */
export class SnapshotsForbiddenError extends SnapshotStoreError {
  override name = "SnapshotsForbiddenError";
}

/**
 * Copies a snapshot into a store. It is read at the pace of the writing.
 *
 * @param snapshot The snapshot; the caller disposes of it.
 * @param store The store, which has nothing of it if this throws.
 * @throws {SnapshotStoreError} If the store can't take it; and whatever reading
 * throws.
 */
export async function saveSnapshot(
  snapshot: Pick<Snapshot, "info" | "blocks">,
  store: Pick<SnapshotStore, "create">,
): Promise<StoredSnapshot> {
  const sink = await store.create(snapshot.info);
  try {
    for await (const rows of snapshot.blocks) await sink.write(rows);
    return await sink.commit();
  } catch (error) {
    // The first error is the one that matters.
    await sink.abort().catch(() => {});
    throw error;
  }
}

/**
 * @param name Names the store, as in "the embedded log".
 * @returns One of its snapshots as a source.
 */
export function storedSource(
  name: string,
  store: SnapshotStore,
  { id, info }: Pick<StoredSnapshot, "id" | "info">,
): SnapshotSource {
  return {
    name: `${name}, at sequence ${info.sequence}`,
    open: (signal) => store.open(id, signal),
  };
}
