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
import { checkRoom } from "./free_space.ts";
import { SqliteBases } from "./sqlite_bases.ts";
import { SqliteParts } from "./sqlite_parts.ts";
import { Sweeper } from "./sweeper.ts";

/** A {@linkcode SnapshotStore} in the file of a log. */
export class SqliteSnapshots implements SnapshotStore {
  /**
   * The snapshots that are being written now. Others that are not complete were
   * being written when the process ended, or are deleted: they are swept.
   */
  readonly #writing = new Set<number>();
  readonly #parts: SqliteParts;
  readonly #bases: SqliteBases;
  readonly #sweeper: Sweeper;

  /**
   * @param db The log's file.
   * @param logId The log's identity: all snapshots here are of this log.
   * @param freeDiskBytes How many bytes the disk has left; undefined if that is
   * not known.
   */
  constructor(
    private readonly db: DatabaseSync,
    logId: string,
    private readonly freeDiskBytes: () => Promise<number | undefined> = () =>
      Promise.resolve(undefined),
  ) {
    this.#parts = new SqliteParts(db);
    this.#bases = new SqliteBases(db, logId, this.#parts);
    this.#sweeper = new Sweeper(() =>
      this.#bases.sweep((id) => this.#writing.has(id))
    );
    this.#sweeper.start();
  }

  list(): Promise<StoredSnapshot[]> {
    return attempt("list the snapshots", () => this.#bases.list());
  }

  open(id: string, signal: AbortSignal): Promise<Snapshot> {
    return attempt(`open the snapshot ${id}`, () => {
      const { info } = this.#bases.find(id);
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
    const { info } = await attempt(what, () => this.#bases.find(id));
    const check = new RowCheck();
    const damage = await this.#check(id, check, signal);
    return await attempt(what, () => {
      // Its parts go if it is deleted meanwhile.
      this.#bases.find(id);
      const fault = rowFault(check.found, info);
      if (damage !== undefined) throw damage;
      if (fault !== undefined) {
        throw new SnapshotDamagedError(`damaged: ${fault}`);
      }
      this.#parts.markVerified(id);
      return this.#bases.find(id);
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
    return attempt("begin a snapshot", () => {
      const id = this.#bases.begin(info);
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
          await checkRoom(this.db, rows, this.freeDiskBytes);
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
          this.#bases.complete(id);
          this.#writing.delete(id);
          return this.#bases.find(String(id));
        }),
      abort: () => {
        if (this.#writing.delete(id)) this.#sweeper.start();
        return Promise.resolve();
      },
    };
  }

  delete(id: string): Promise<void> {
    return attempt(`delete the snapshot ${id}`, () => {
      this.#bases.discard(id);
      this.#sweeper.start();
    });
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
