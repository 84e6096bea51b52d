/**
 * Which snapshots the embedded log's file has: its table `bases`.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { SnapshotInfo } from "../../snapshot/snapshot.ts";
import type { StoredSnapshot } from "../../snapshot/store.ts";
import { IS_VERIFIED, type SqliteParts } from "./sqlite_parts.ts";

const LISTED = `
  SELECT id, sequence, time, rows, digest, ${IS_VERIFIED} AS verified
  FROM bases WHERE complete = 1`;

/** The snapshots of one log. Each is listed from its completion on. */
export class SqliteBases {
  /** How many bytes each complete snapshot has: counted once. */
  readonly #bytes = new Map<number, number>();

  /**
   * @param db The log's file.
   * @param logId The log's identity: all snapshots here are of this log.
   * @param parts Their rows.
   */
  constructor(
    private readonly db: DatabaseSync,
    private readonly logId: string,
    private readonly parts: SqliteParts,
  ) {}

  /** @returns The complete ones, the newest first. */
  list(): StoredSnapshot[] {
    return this.db.prepare(`${LISTED} ORDER BY sequence DESC, id DESC`).all()
      .map((row) => this.#stored(row));
  }

  /** @throws {Error} If no complete one has this id. */
  find(id: string): StoredSnapshot {
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
    const bytes = this.parts.bytesOf(id);
    this.#bytes.set(id, bytes);
    return bytes;
  }

  /**
   * Begins a snapshot, which is not complete.
   *
   * @returns Its id.
   * @throws {Error} If it is of another log, or its digest is not given.
   */
  begin({ logId, sequence, time, rows, digest }: SnapshotInfo): number {
    if (logId !== this.logId) {
      throw new Error(`it is of the log ${logId}, this is ${this.logId}`);
    }
    if (digest === undefined) throw new Error("its digest is not given");
    const { lastInsertRowid } = this.db.prepare(
      "INSERT INTO bases (sequence, time, rows, digest, complete) VALUES (?, ?, ?, ?, 0)",
    ).run(sequence, time, rows, digest);
    return Number(lastInsertRowid);
  }

  /** All rows of a snapshot are written. */
  complete(id: number): void {
    this.db.prepare("UPDATE bases SET complete = 1 WHERE id = ?").run(id);
  }

  /** A snapshot is deleted: its rows are still to be swept. */
  discard(id: string): void {
    this.db.prepare("UPDATE bases SET complete = 0 WHERE id = ?").run(id);
    this.#bytes.delete(Number(id));
  }

  /**
   * Deletes some rows of a snapshot that is not complete.
   *
   * @param isKept Whether it is still being written.
   * @returns Whether there may be more to delete.
   */
  sweep(isKept: (id: number) => boolean): boolean {
    const gone = this.db.prepare("SELECT id FROM bases WHERE complete = 0")
      .all().map(({ id }) => id as number)
      .find((id) => !isKept(id));
    if (gone === undefined) return false;
    if (!this.parts.deleteSome(gone)) {
      this.db.prepare("DELETE FROM bases WHERE id = ?").run(gone);
    }
    return true;
  }
}
