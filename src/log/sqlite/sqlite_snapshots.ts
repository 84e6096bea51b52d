/**
 * The snapshots in the embedded log's file. Its tables call them bases.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { RowCheck, rowFault } from "../../snapshot/row_check.ts";
import {
  type Snapshot,
  SnapshotDamagedError,
  type SnapshotInfo,
} from "../../snapshot/snapshot.ts";
import {
  type SnapshotSink,
  type SnapshotStore,
  SnapshotStoreError,
  type StoredSnapshot,
} from "../../snapshot/store.ts";
import type { RowBlock } from "../../storage/row_block.ts";
import { freeFileBytes, RESERVED_BYTES } from "./free_space.ts";
import { IS_VERIFIED, SqliteParts } from "./sqlite_parts.ts";
import { Sweeper } from "./sweeper.ts";

const LISTED = `
  SELECT id, sequence, time, rows, digest, ${IS_VERIFIED} AS verified
  FROM bases WHERE complete = 1`;

/** A {@linkcode SnapshotStore} in the file of a log. */
export class SqliteSnapshots implements SnapshotStore {
  /**
   * The snapshots that are being written now. Others that are not complete were
   * being written when the process ended, or are deleted: they are swept.
   */
  readonly #writing = new Set<number>();
  /** How many bytes each committed snapshot has: counted once. */
  readonly #bytes = new Map<number, number>();
  readonly #parts: SqliteParts;
  readonly #sweeper = new Sweeper(() => this.#sweep());

  /**
   * @param db The log's file.
   * @param logId The log's identity: all snapshots here are of this log.
   * @param freeDiskBytes How many bytes the disk has left; undefined if that is
   * not known.
   */
  constructor(
    private readonly db: DatabaseSync,
    private readonly logId: string,
    private readonly freeDiskBytes: () => Promise<number | undefined> = () =>
      Promise.resolve(undefined),
  ) {
    this.#parts = new SqliteParts(db);
    this.#sweeper.start();
  }

  list(): Promise<StoredSnapshot[]> {
    return attempt(
      "list the snapshots",
      () =>
        this.db.prepare(`${LISTED} ORDER BY sequence DESC, id DESC`).all()
          .map((row) => this.#stored(row)),
    );
  }

  open(id: string, signal: AbortSignal): Promise<Snapshot> {
    return attempt(`open the snapshot ${id}`, () => {
      const { info } = this.#find(id);
      let isOpen = true;
      return {
        info,
        blocks: this.#parts.read(id, () => {
          signal.throwIfAborted();
          return isOpen;
        }),
        [Symbol.dispose]: () => {
          isOpen = false;
        },
      };
    });
  }

  async verify(id: string, signal: AbortSignal): Promise<StoredSnapshot> {
    const what = `verify the snapshot ${id}`;
    const { info } = await attempt(what, () => this.#find(id));
    const check = new RowCheck();
    const damage = await this.#check(id, check, signal);
    return await attempt(what, () => {
      // Its parts go if it is deleted meanwhile.
      this.#find(id);
      const fault = rowFault(check.found, info);
      if (damage !== undefined) throw damage;
      if (fault !== undefined) {
        throw new SnapshotDamagedError(`damaged: ${fault}`);
      }
      this.#parts.markVerified(id);
      return this.#find(id);
    });
  }

  /**
   * Reads all rows, one part at a time. A part takes a millisecond, and entries
   * are committed between two parts.
   *
   * @returns The damage that ended it, if there was any.
   */
  async #check(
    id: string,
    check: RowCheck,
    signal: AbortSignal,
  ): Promise<SnapshotDamagedError | undefined> {
    const isOpen = () => {
      signal.throwIfAborted();
      return true;
    };
    try {
      for await (const rows of this.#parts.read(id, isOpen)) {
        check.add(rows);
        await sleep(0, undefined, { signal });
      }
      return undefined;
    } catch (error) {
      if (error instanceof SnapshotDamagedError) return error;
      signal.throwIfAborted();
      throw storeError(`verify the snapshot ${id}`, error);
    }
  }

  create(info: SnapshotInfo): Promise<SnapshotSink> {
    const { logId, sequence, time, rows, digest } = info;
    return attempt("begin a snapshot", () => {
      if (logId !== this.logId) {
        throw new Error(`it is of the log ${logId}, this is ${this.logId}`);
      }
      if (digest === undefined) throw new Error("its digest is not given");
      const { lastInsertRowid } = this.db.prepare(
        "INSERT INTO bases (sequence, time, rows, digest, complete) VALUES (?, ?, ?, ?, 0)",
      ).run(sequence, time, rows, digest);
      const id = Number(lastInsertRowid);
      this.#writing.add(id);
      return this.#sink(id, info);
    });
  }

  #sink(id: number, info: SnapshotInfo): SnapshotSink {
    const writePart = this.#parts.writer(id);
    let written = 0;
    const mustBeOpen = () => {
      if (!this.#writing.has(id)) throw new Error("it has ended");
    };
    return {
      write: (rows) =>
        attempt("write the snapshot", async () => {
          await this.#checkRoom(rows);
          mustBeOpen();
          writePart(rows);
          written += rows.count;
        }),
      commit: () =>
        attempt("commit the snapshot", () => {
          mustBeOpen();
          if (written !== info.rows) {
            throw new Error(`it has ${written} rows and says ${info.rows}`);
          }
          this.db.prepare("UPDATE bases SET complete = 1 WHERE id = ?").run(id);
          this.#writing.delete(id);
          return this.#find(String(id));
        }),
      abort: () => {
        if (this.#writing.delete(id)) this.#sweeper.start();
        return Promise.resolve();
      },
    };
  }

  /**
   * A snapshot that fills the disk would stop sets, and even what is written of
   * it could not be deleted.
   */
  async #checkRoom({ keys, keyEnds, numbers }: RowBlock): Promise<void> {
    const free_bytes = await this.freeDiskBytes() ?? Infinity;
    const rows_bytes = keys.byteLength + keyEnds.byteLength +
      numbers.byteLength;
    if (free_bytes >= RESERVED_BYTES + rows_bytes) return;
    // Its last pages may be part used, and its index needs some.
    if (freeFileBytes(this.db) >= 2 * rows_bytes) return;
    throw new Error(
      `the disk of the log has ${free_bytes} bytes left, and ${RESERVED_BYTES} are kept for sets: make room`,
    );
  }

  delete(id: string): Promise<void> {
    return attempt(`delete the snapshot ${id}`, () => {
      this.db.prepare("UPDATE bases SET complete = 0 WHERE id = ?").run(id);
      this.#bytes.delete(Number(id));
      this.#sweeper.start();
    });
  }

  #find(id: string): StoredSnapshot {
    const row = this.db.prepare(`${LISTED} AND id = ?`).get(id);
    if (row === undefined) throw new Error("there is none of that name");
    return this.#stored(row);
  }

  #stored(row: Record<string, unknown>): StoredSnapshot {
    const { id, verified, ...info } = row as Omit<SnapshotInfo, "logId"> & {
      id: number;
      verified: number;
    };
    return {
      id: String(id),
      info: { logId: this.logId, ...info },
      bytes: this.#bytesOf(id),
      isVerified: verified === 1,
    };
  }

  #bytesOf(id: number): number {
    const known = this.#bytes.get(id);
    if (known !== undefined) return known;
    const bytes = this.#parts.bytesOf(id);
    this.#bytes.set(id, bytes);
    return bytes;
  }

  /** @returns Whether there may be more to delete. */
  #sweep(): boolean {
    const gone = this.db.prepare("SELECT id FROM bases WHERE complete = 0")
      .all().map(({ id }) => id as number)
      .find((id) => !this.#writing.has(id));
    if (gone === undefined) return false;
    if (!this.#parts.deleteSome(gone)) {
      this.db.prepare("DELETE FROM bases WHERE id = ?").run(gone);
    }
    return true;
  }

  /** Ends the deletions. */
  close(): void {
    this.#sweeper.close();
  }
}

/** Runs synchronous SQLite work, and names what fails. */
async function attempt<T>(
  what: string,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof SnapshotDamagedError
      ? cause
      : storeError(what, cause);
  }
}

function storeError(what: string, cause: unknown): SnapshotStoreError {
  return new SnapshotStoreError(`Cannot ${what}: ${(cause as Error).message}`, {
    cause,
  });
}
