/**
 * The parts of the snapshots in the embedded log's file: some rows each, in the
 * table `base_rows`.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { SnapshotDamagedError } from "../../snapshot/snapshot.ts";
import type { RowBlock } from "../../storage/row_block.ts";
import { decodeRows, encodeRows } from "./sqlite_rows.ts";

/** How many parts of deleted snapshots one transaction deletes. */
const DELETE_PARTS = 8;

/**
 * The number of a part without rows: says that the snapshot is verified.
 * Version 1.1 can still start from the file: it reads parts from 0 on and lists
 * only snapshots with `complete = 1`.
 */
const VERIFIED_PART = -1;

/** SQL: whether the snapshot `id` of the table `bases` is verified. */
export const IS_VERIFIED =
  `EXISTS (SELECT 1 FROM base_rows WHERE base = id AND part = ${VERIFIED_PART})`;

/** The parts of all snapshots of a file. */
export class SqliteParts {
  constructor(private readonly db: DatabaseSync) {}

  /** @returns Writes the rows of a snapshot, part by part. */
  writer(id: number): (rows: RowBlock) => void {
    const insert = this.db.prepare(
      "INSERT INTO base_rows (base, part, keys, key_ends, numbers) VALUES (?, ?, ?, ?, ?)",
    );
    let parts = 0;
    return (rows) => {
      insert.run(id, parts++, ...encodeRows(rows));
    };
  }

  /**
   * Reads the rows of a snapshot: one query per part, so that no statement is
   * open while other work runs.
   *
   * @param isOpen Asked before each part, whether to go on.
   */
  async *read(id: string, isOpen: () => boolean): AsyncGenerator<RowBlock> {
    const read = this.db.prepare(
      "SELECT keys, key_ends, numbers FROM base_rows WHERE base = ? AND part = ?",
    );
    for (let part = 0; isOpen(); part++) {
      const row = read.get(id, part);
      if (row === undefined) return;
      const rows = decodeRows(row);
      if (rows === undefined) {
        throw new SnapshotDamagedError(
          `damaged: part ${part} of its rows is not as it was written`,
        );
      }
      yield rows;
    }
  }

  /** @returns How many bytes the rows of a snapshot have. */
  bytesOf(id: number): number {
    const { bytes } = this.db.prepare(
      `SELECT total(length(keys) + length(key_ends) + length(numbers)) AS bytes
         FROM base_rows WHERE base = ?`,
    ).get(id) as { bytes: number };
    return bytes;
  }

  /** Notes that a snapshot is verified. */
  markVerified(id: string): void {
    this.db.prepare(
      `INSERT OR IGNORE INTO base_rows (base, part, keys, key_ends, numbers)
         VALUES (?, ${VERIFIED_PART}, x'', x'', x'')`,
    ).run(id);
  }

  /**
   * Deletes some of a snapshot.
   *
   * @returns Whether there may be more.
   */
  deleteSome(id: number): boolean {
    const { changes } = this.db.prepare(
      `DELETE FROM base_rows WHERE rowid IN
         (SELECT rowid FROM base_rows WHERE base = ? LIMIT ${DELETE_PARTS})`,
    ).run(id);
    return changes > 0;
  }
}
