/**
 * Snapshots kept as backup files, wherever the files are.
 *
 * @module
 */
import { withIdleTimeout } from "../idle_timeout.ts";
import type { RowBlock } from "../storage/row_block.ts";
import type { FilePlace, FileSink, PlacedFile } from "./file_place.ts";
import { BackupError } from "./format/backup_error.ts";
import {
  type BackupInfo,
  backupInfoJson,
  fileName,
  parseBackupInfo,
} from "./format/backup_info.ts";
import { type OpenBackup, openBackup } from "./format/open_backup.ts";
import { writeBackup } from "./format/write_backup.ts";
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

/** How long a place may give nothing in the middle of a file. */
const IDLE_TIMEOUT_MS = 30_000;

/** A {@linkcode SnapshotStore} of backup files. */
export class FileStore implements SnapshotStore {
  /** The last time that a file got as its own, so that no two get the same. */
  #lastMade_ms = 0;

  /**
   * @param name Names it in log lines, as in "the folder /backups".
   * @param place Where the files are.
   * @param now The time in milliseconds since 1970.
   */
  constructor(
    readonly name: string,
    private readonly place: FilePlace,
    private readonly now: () => number = Date.now,
  ) {}

  async list(): Promise<StoredSnapshot[]> {
    const files = await this.place.list();
    return files.toSorted(newestFirst).map(toStored);
  }

  async open(id: string, signal: AbortSignal): Promise<Snapshot> {
    const { info } = await this.#find(id);
    const backup = await this.#open(id, info, signal);
    const detach = closeOnAbort(backup, signal);
    return {
      info: toSnapshotInfo(info),
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
      // What is deleted breaks off; that is no damage.
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
      const fault = rowFault(await backup.count(), info);
      if (fault !== undefined) throw new BackupError(fault);
    } finally {
      detach();
    }
  }

  /** Opens a file, which must say of itself what the place says of it. */
  async #open(
    id: string,
    info: BackupInfo,
    signal: AbortSignal,
  ): Promise<OpenBackup> {
    signal.throwIfAborted();
    try {
      const backup = await openBackup(withIdleTimeout(
        await this.place.open(id, signal),
        IDLE_TIMEOUT_MS,
        () => new Error(`no byte for ${IDLE_TIMEOUT_MS} ms`),
      ));
      const said = parseBackupInfo(backup.header);
      if (backupInfoJson(said) === backupInfoJson(info)) return backup;
      backup.close();
      throw new BackupError(
        `its header says ${backupInfoJson(said)}, and it was written as ${
          backupInfoJson(info)
        }`,
      );
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
    const file = await this.place.create({ ...info, made });
    return new BackupSink(info, made, file);
  }

  /**
   * When a file is made: now, or later by some seconds if another one has that
   * name. Names tell seconds apart.
   */
  #nameTime(info: SnapshotInfo, files: readonly PlacedFile[]): string {
    const names = new Set(files.map(({ id }) => id));
    let made_ms = Math.max(this.now(), this.#lastMade_ms + 1_000);
    const made = () => new Date(made_ms).toISOString();
    while (names.has(fileName({ ...info, made: made() }))) made_ms += 1_000;
    this.#lastMade_ms = made_ms;
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

/** Turns rows into a file. */
class BackupSink implements SnapshotSink {
  readonly #rows = new TransformStream<RowBlock, RowBlock>();
  readonly #writer = this.#rows.writable.getWriter();
  /** Resolves once all bytes are in the place. */
  readonly #written: Promise<void>;
  #rowCount = 0;
  #isOpen = true;

  constructor(
    private readonly info: SnapshotInfo,
    made: string,
    private readonly file: FileSink,
  ) {
    this.#written = this.#writeFile(made);
    // It may fail while nobody waits for it.
    this.#written.catch(() => {});
    this.#writer.closed.catch(() => {});
  }

  async #writeFile(made: string): Promise<void> {
    const snapshot = {
      info: this.info,
      blocks: this.#rows.readable,
      [Symbol.dispose]: () => {},
    };
    try {
      for await (const bytes of writeBackup(snapshot, made)) {
        await this.file.write(bytes);
      }
    } catch (cause) {
      const error = cause instanceof SnapshotStoreError
        ? cause
        : new SnapshotStoreError(
          `Cannot write the snapshot: ${(cause as Error).message}`,
          { cause },
        );
      // Whoever writes rows, now or later, gets it.
      await this.#writer.abort(error);
      throw error;
    }
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) {
      throw new SnapshotStoreError("Cannot write the snapshot: it has ended");
    }
  }

  async write(rows: RowBlock): Promise<void> {
    this.#mustBeOpen();
    this.#rowCount += rows.count;
    await this.#writer.write(rows);
  }

  async commit(): Promise<StoredSnapshot> {
    this.#mustBeOpen();
    const { rows } = this.info;
    if (this.#rowCount !== rows) {
      throw new SnapshotStoreError(
        `Cannot commit the snapshot: it has ${this.#rowCount} rows and says ${rows}`,
      );
    }
    await this.#writer.close();
    await this.#written;
    const file = await this.file.commit();
    this.#isOpen = false;
    return toStored(file);
  }

  async abort(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#writer.abort(new SnapshotStoreError("It is aborted"));
    await this.file.abort();
    await this.#written.catch(() => {});
  }
}

function newestFirst(a: PlacedFile, b: PlacedFile): number {
  return b.info.sequence - a.info.sequence ||
    Date.parse(b.info.made) - Date.parse(a.info.made);
}

function toSnapshotInfo({ made: _, ...info }: BackupInfo): SnapshotInfo {
  return info;
}

function toStored({ info, ...file }: PlacedFile): StoredSnapshot {
  return { ...file, info: toSnapshotInfo(info) };
}

/** @returns What undoes it. */
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

/** Says whether the file is at fault, or the reading of it. */
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
