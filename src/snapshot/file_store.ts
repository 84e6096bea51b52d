/**
 * Snapshots kept as backup files, wherever the files are.
 *
 * @module
 */
import type { RowBlock } from "../storage/row_block.ts";
import { BackupSink } from "./backup_sink.ts";
import { type FileCodec, inWorkers } from "./file_codec.ts";
import { type FilePlace, type PlacedFile, toStored } from "./file_place.ts";
import { BackupError } from "./format/backup_error.ts";
import {
  type BackupInfo,
  backupInfoJson,
  fileName,
  parseBackupInfo,
  snapshotInfo,
} from "./format/backup_info.ts";
import type { OpenBackup } from "./format/open_backup.ts";
import { rowFault } from "./row_check.ts";
import {
  type Snapshot,
  SnapshotDamagedError,
  type SnapshotInfo,
} from "./snapshot.ts";
import {
  type SnapshotSink,
  type SnapshotStore,
  SnapshotStoreError,
  type StoredSnapshot,
} from "./store.ts";

/** What a store of files goes by. */
export interface FileStoreOptions {
  /** The time in milliseconds since 1970. */
  now?(): number;
  /** Makes and reads the files. */
  codec?: FileCodec;
}

/** A {@linkcode SnapshotStore} of backup files. */
export class FileStore implements SnapshotStore {
  readonly #now: () => number;
  readonly #codec: FileCodec;
  /** The last file: no other one at its sequence gets its time or an earlier one. */
  #last = { sequence: -1, made_ms: 0 };

  /**
   * @param name Names it in log lines, as in "the folder /backups".
   * @param place Where the files are.
   * @param options The clock, and what makes and reads the files.
   */
  constructor(
    readonly name: string,
    private readonly place: FilePlace,
    { now = Date.now, codec = inWorkers() }: FileStoreOptions = {},
  ) {
    this.#now = now;
    this.#codec = codec;
  }

  async list(): Promise<StoredSnapshot[]> {
    const files = await this.place.list();
    return files.toSorted(newestFirst).map(toStored);
  }

  async open(id: string, signal: AbortSignal): Promise<Snapshot> {
    const { info } = await this.#find(id);
    const backup = await this.#open(id, info, signal);
    const detach = closeOnAbort(backup, signal);
    return {
      info: snapshotInfo(info),
      blocks: blaming(id, backup.rows(), signal),
      [Symbol.dispose]: () => {
        detach();
        backup.close();
      },
    };
  }

  async verify(id: string, signal: AbortSignal): Promise<StoredSnapshot> {
    const placed = await this.#find(id);
    try {
      await this.#readBack(placed, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const error = blame(id, cause);
      // A file that is deleted breaks off, which is no damage.
      if (error instanceof SnapshotDamagedError) await this.#find(id);
      throw error;
    }
    await this.place.markVerified(id);
    return toStored({ ...placed, isVerified: true });
  }

  async #readBack(
    { id, info }: PlacedFile,
    signal: AbortSignal,
  ): Promise<void> {
    using backup = await this.#open(id, info, signal);
    const detach = closeOnAbort(backup, signal);
    try {
      const fault = rowFault(await backup.count(this.#codec.restFactor), info);
      if (fault !== undefined) throw new BackupError(fault);
    } finally {
      detach();
    }
  }

  /** Opens a file. Its header must say what the place says of it. */
  async #open(
    id: string,
    info: BackupInfo,
    signal: AbortSignal,
  ): Promise<OpenBackup> {
    signal.throwIfAborted();
    try {
      const backup = await this.#codec.open(await this.place.open(id, signal));
      try {
        checkHeader(parseBackupInfo(backup.header), info);
      } catch (error) {
        backup.close();
        throw error;
      }
      return backup;
    } catch (cause) {
      signal.throwIfAborted();
      throw blame(id, cause);
    }
  }

  async create(info: SnapshotInfo): Promise<SnapshotSink> {
    if (info.digest === undefined) {
      throw new SnapshotStoreError(
        "Cannot begin a snapshot: its digest is not given",
      );
    }
    const made = this.#nameTime(info, await this.place.list());
    const backup = { ...info, made };
    const file = await this.place.create(backup);
    return new BackupSink(backup, file, this.#codec);
  }

  /**
   * The time of a file: now, or some seconds later if another file has that
   * name, or had it. Names have a sequence and whole seconds.
   */
  #nameTime(info: SnapshotInfo, files: readonly PlacedFile[]): string {
    const names = new Set(files.map(({ id }) => id));
    const { sequence } = info;
    let made_ms = this.#now();
    if (sequence === this.#last.sequence) {
      made_ms = Math.max(made_ms, this.#last.made_ms + 1_000);
    }
    const made = () => new Date(made_ms).toISOString();
    while (names.has(fileName({ ...info, made: made() }))) made_ms += 1_000;
    this.#last = { sequence, made_ms };
    return made();
  }

  async delete(id: string): Promise<void> {
    await this.place.delete(id);
  }

  async #find(id: string): Promise<PlacedFile> {
    const file = (await this.place.list()).find((file) => file.id === id);
    if (file !== undefined) return file;
    throw new SnapshotStoreError(
      `Cannot read the snapshot ${id} of ${this.name}: there is no backup of that name, or its header is not what was written`,
    );
  }
}

/** @throws {BackupError} If a file's header says another thing than its place. */
function checkHeader(said: BackupInfo, info: BackupInfo): void {
  if (backupInfoJson(said) === backupInfoJson(info)) return;
  throw new BackupError(
    `its header says ${backupInfoJson(said)}, and it was written as ${
      backupInfoJson(info)
    }`,
  );
}

function newestFirst(a: PlacedFile, b: PlacedFile): number {
  return b.info.sequence - a.info.sequence ||
    Date.parse(b.info.made) - Date.parse(a.info.made);
}

/** @returns A function that stops listening to the signal. */
function closeOnAbort(backup: OpenBackup, signal: AbortSignal): () => void {
  const close = () => backup.close(signal.reason);
  if (signal.aborted) close();
  signal.addEventListener("abort", close);
  return () => signal.removeEventListener("abort", close);
}

async function* blaming(
  id: string,
  rows: AsyncIterable<RowBlock>,
  signal: AbortSignal,
): AsyncGenerator<RowBlock> {
  try {
    yield* rows;
  } catch (cause) {
    signal.throwIfAborted();
    throw blame(id, cause);
  }
}

/** Tells a damaged file from a failed read. */
function blame(id: string, cause: unknown): unknown {
  if (
    cause instanceof SnapshotDamagedError || cause instanceof SnapshotStoreError
  ) return cause;
  const { message } = cause as Error;
  return cause instanceof BackupError
    ? new SnapshotDamagedError(`damaged: ${message}`, { cause })
    : new SnapshotStoreError(`Cannot read the snapshot ${id}: ${message}`, {
      cause,
    });
}
