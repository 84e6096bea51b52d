/**
 * A place that keeps snapshots as backup files: a folder, a bucket of the
 * broker.
 *
 * @module
 */
import { type BackupInfo, snapshotInfo } from "./format/backup_info.ts";
import type { StoredSnapshot } from "./store.ts";

/** A file in a place. */
export interface PlacedFile {
  /** Names it in the place; no later file ever has the same. */
  readonly id: string;
  readonly info: BackupInfo;
  readonly bytes: number;
  /** Whether it was read back whole after it was written. */
  readonly isVerified: boolean;
}

/** @returns A file as the snapshot that it holds. */
export function toStored({ info, ...file }: PlacedFile): StoredSnapshot {
  return { ...file, info: snapshotInfo(info) };
}

/** Keeps files; knows nothing of what is in them. */
export interface FilePlace {
  /**
   * Only whole files are listed: those that were committed.
   *
   * @returns The files, in any order.
   * @throws {SnapshotStoreError} If the place can't be reached;
   * {@linkcode SnapshotsForbiddenError} if it may not be used.
   */
  list(): Promise<PlacedFile[]>;

  /**
   * @param id A file's name.
   * @param signal Aborts the reading.
   * @returns The file's bytes, from its beginning, in chunks that own their
   * buffers. Fails with `SnapshotDamagedError` if the place itself finds that
   * they are not the ones that were written, and with `SnapshotStoreError` if
   * they can't be read now or the file is deleted.
   * @throws {SnapshotStoreError} If there is none of that name.
   */
  open(
    id: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

  /**
   * Begins a file, and deletes what dead writers have left.
   *
   * @param info What it will hold.
   * @throws {SnapshotStoreError} If the place can't take it.
   */
  create(info: BackupInfo): Promise<FileSink>;

  /**
   * Notes that a file was read back whole, if the place can keep that.
   *
   * @throws {SnapshotStoreError} If there is none of that name.
   */
  markVerified(id: string): Promise<void>;

  /** Deletes a file. Deleting one that is not there is harmless. */
  delete(id: string): Promise<void>;
}

/** A file that is being written. It ends by a commit or an abort. */
export interface FileSink {
  /**
   * Writes the next bytes; one call after the other.
   *
   * @param bytes The bytes, whose buffer must not be used any more.
   * @returns Resolves when the place can take more.
   * @throws {SnapshotStoreError} If they can't be written: abort then.
   */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;

  /**
   * Makes it a file of the place, durable.
   *
   * @throws {SnapshotStoreError} If it can't be: abort then.
   */
  commit(): Promise<PlacedFile>;

  /** Throws away what was written, if it is not committed. */
  abort(): Promise<void>;
}
