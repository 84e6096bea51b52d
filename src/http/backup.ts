/**
 * `GET /backup`.
 *
 * @module
 */
import { type BackupInfo, backupName } from "../backup/backup_info.ts";
import { writeBackup } from "../backup/write_backup.ts";
import { NotReadyError, type Replica } from "../replica/replica.ts";
import type { TableSnapshot } from "../storage/snapshot.ts";
import type { Handler } from "./router.ts";

/** How many backups are served at a time: each may keep a copy of what changes. */
export const BACKUPS_MAX = 4;

/** The backups that a replica has served. */
export class BackupCounts {
  /** How many were read to their end. */
  complete = 0;
  /** How many were cut off or left by their reader. */
  broken = 0;
  /** How many bytes were read of all of them. */
  bytes = 0;
}

/**
 * @param replica Whose state is served.
 * @param counts Counts them.
 * @returns A handler that streams the state as it is when it is asked.
 */
export function backup(replica: Replica, counts: BackupCounts): Handler {
  const open = new Set<TableSnapshot>();
  return () => {
    if (open.size >= BACKUPS_MAX) {
      throw new NotReadyError(
        `${BACKUPS_MAX} backups are being served, which is the limit`,
      );
    }
    const { sequence, time, digest, table } = replica.snapshot();
    open.add(table);
    table.onceClosed(() => open.delete(table));
    const made = new Date();
    const info: BackupInfo = {
      time: made.toISOString(),
      logId: replica.log!.id,
      sequence,
      sequenceTime: time,
      rows: table.rows,
      digest,
    };
    const file = writeBackup(info, table, {
      read: (bytes) => counts.bytes += bytes,
      end: (isComplete) => isComplete ? counts.complete++ : counts.broken++,
    });
    return new Response(file, {
      headers: {
        "content-type": "application/gzip",
        "content-disposition": `attachment; filename="${backupName(info)}.gz"`,
        "last-modified": made.toUTCString(),
        "log-sequence": String(sequence),
      },
    });
  };
}
