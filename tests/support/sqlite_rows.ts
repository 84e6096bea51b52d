/**
 * Damage to the snapshots in the embedded log's file, while nobody uses it.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

const COLUMNS = ["keys", "key_ends", "numbers"];

function withFile(directory: string, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(`${directory}/usergrade.db`);
  work(db);
  db.close();
}

/**
 * Changes one bit of a snapshot's rows.
 *
 * @param where Which one: from 0 for the first to below 1 for the last.
 */
export function flipStoredBit(
  directory: string,
  id: string,
  where: number,
): void {
  withFile(directory, (db) => {
    const cells = db.prepare(
      "SELECT rowid, * FROM base_rows WHERE base = ? AND part >= 0 ORDER BY part",
    ).all(id).flatMap((row) =>
      COLUMNS.map((column) => ({
        rowid: row.rowid as number,
        column,
        bytes: row[column] as Uint8Array,
      }))
    );
    const total = cells.reduce((sum, { bytes }) => sum + bytes.length, 0);
    let bit = Math.floor(8 * total * where);
    for (const { rowid, column, bytes } of cells) {
      if (bit < 8 * bytes.length) {
        bytes[bit >> 3] ^= 1 << (bit & 7);
        db.prepare(`UPDATE base_rows SET ${column} = ? WHERE rowid = ?`)
          .run(bytes, rowid);
        return;
      }
      bit -= 8 * bytes.length;
    }
  });
}

/** Takes away the last part of a snapshot's rows. */
export function truncateStored(directory: string, id: string): void {
  withFile(directory, (db) => {
    db.prepare(
      `DELETE FROM base_rows WHERE base = ? AND part =
         (SELECT max(part) FROM base_rows WHERE base = ?)`,
    ).run(id, id);
  });
}
