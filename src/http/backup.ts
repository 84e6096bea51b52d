/**
 * `GET /backup` and `HEAD /backup`.
 *
 * @module
 */
import { type BackupInfo, backupName } from "../snapshot/format/backup_info.ts";
import { writeBackup } from "../snapshot/format/write_backup.ts";
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
 * @param counts Counts the backups.
 * @returns Handlers for GET, which streams the state as it is when it is asked
 * for, and for HEAD, which keeps nothing open.
 */
export function backup(
  replica: Replica,
  counts: BackupCounts,
): { GET: Handler; HEAD: Handler } {
  const open = new Set<TableSnapshot>();
  const begin = () => {
    if (open.size >= BACKUPS_MAX) {
      throw new NotReadyError(
        `${BACKUPS_MAX} backups are being served, which is the limit`,
      );
    }
    const { sequence, time, digest, table } = replica.snapshot();
    const info: BackupInfo = {
      time: new Date().toISOString(),
      logId: replica.log!.id,
      sequence,
      sequenceTime: time,
      rows: table.rows,
      digest,
    };
    return { info, table };
  };
  return {
    GET: () => {
      const { info, table } = begin();
      open.add(table);
      table.onceClosed(() => open.delete(table));
      const file = writeBackup(info, table, {
        read: (bytes) => counts.bytes += bytes,
        end: (isComplete) => isComplete ? counts.complete++ : counts.broken++,
      });
      return new Response(file, { headers: headersOf(info) });
    },
    HEAD: () => {
      const { info, table } = begin();
      table.close();
      // With no body at all the runtime would say that there are 0 bytes.
      const empty = new ReadableStream({ pull: (stream) => stream.close() });
      return new Response(empty, { headers: headersOf(info) });
    },
  };
}

function headersOf(info: BackupInfo): Record<string, string> {
  return {
    "content-type": "application/gzip",
    "content-disposition": `attachment; filename="${backupName(info)}.gz"`,
    "last-modified": new Date(info.time).toUTCString(),
    "log-sequence": String(info.sequence),
  };
}
