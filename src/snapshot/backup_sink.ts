/**
 * Rows on their way into a backup file.
 *
 * @module
 */
import type { RowBlock } from "../storage/row_block.ts";
import { type FileSink, toStored } from "./file_place.ts";
import type { BackupInfo } from "./format/backup_info.ts";
import type { RestFactor } from "./format/rest.ts";
import {
  NO_OBSERVER,
  STALL_TIMEOUT_MS,
  writeBackup,
} from "./format/write_backup.ts";
import { RowHandover } from "./row_handover.ts";
import {
  type SnapshotSink,
  SnapshotStoreError,
  type StoredSnapshot,
} from "./store.ts";

/** A {@linkcode SnapshotSink} that writes a file. */
export class BackupSink implements SnapshotSink {
  readonly #rows = new RowHandover();
  /** Resolves once all bytes are written. */
  readonly #written: Promise<void>;
  #rowCount = 0;
  #isOpen = true;

  /**
   * @param info What the file will say of itself.
   * @param file Where its bytes go; no others write to it.
   * @param restFactor Asked before each block of rows.
   */
  constructor(
    private readonly info: BackupInfo,
    private readonly file: FileSink,
    private readonly restFactor: RestFactor,
  ) {
    this.#written = this.#writeFile();
    // It may fail while nobody waits for it.
    this.#written.catch(() => {});
  }

  async #writeFile(): Promise<void> {
    const snapshot = {
      info: this.info,
      blocks: this.#rows,
      [Symbol.dispose]: () => {},
    };
    try {
      const bytes = writeBackup(
        snapshot,
        this.info.made,
        NO_OBSERVER,
        STALL_TIMEOUT_MS,
        this.restFactor,
      );
      for await (const chunk of bytes) await this.file.write(chunk);
    } catch (cause) {
      const error = cause instanceof SnapshotStoreError
        ? cause
        : new SnapshotStoreError(
          `Cannot write the snapshot: ${(cause as Error).message}`,
          { cause },
        );
      // The writer of the rows gets it, now or with the next ones.
      this.#rows.fail(error);
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
    await this.#rows.give(rows);
  }

  async commit(): Promise<StoredSnapshot> {
    this.#mustBeOpen();
    const { rows } = this.info;
    if (this.#rowCount !== rows) {
      throw new SnapshotStoreError(
        `Cannot commit the snapshot: it has ${this.#rowCount} rows and says ${rows}`,
      );
    }
    this.#rows.end();
    await this.#written;
    const file = await this.file.commit();
    this.#isOpen = false;
    return toStored(file);
  }

  async abort(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#rows.fail(new SnapshotStoreError("The snapshot was aborted"));
    await this.file.abort();
  }
}
