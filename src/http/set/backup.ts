/**
 * `GET /backup` and `HEAD /backup`.
 *
 * @module
 */
import {
  type BackupInfo,
  backupName,
} from "../../snapshot/format/backup_info.ts";
import { writeBackup } from "../../snapshot/format/write_backup.ts";
import { NotReadyError, type Replica } from "../../replica/replica.ts";
import type { Handler } from "../server/router.ts";

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
  let open = 0;
  const begin = () => {
    if (open >= BACKUPS_MAX) {
      throw new NotReadyError(
        `${BACKUPS_MAX} backups are being served, which is the limit`,
      );
    }
    const snapshot = replica.snapshot();
    const made = new Date().toISOString();
    return { snapshot, made, headers: headersOf({ ...snapshot.info, made }) };
  };
  return {
    GET: () => {
      const { snapshot, made, headers } = begin();
      open++;
      const file = writeBackup(snapshot, made, {
        read: (bytes) => counts.bytes += bytes,
        end: (isComplete) => {
          open--;
          isComplete ? counts.complete++ : counts.broken++;
        },
      });
      return new Response(file, { headers });
    },
    HEAD: () => {
      const { snapshot, headers } = begin();
      snapshot[Symbol.dispose]();
      // With no body at all the runtime would say that there are 0 bytes.
      const empty = new ReadableStream({ pull: (stream) => stream.close() });
      return new Response(empty, { headers });
    },
  };
}

function headersOf(info: BackupInfo): Record<string, string> {
  return {
    "content-type": "application/gzip",
    "content-disposition": `attachment; filename="${backupName(info)}.gz"`,
    "last-modified": new Date(info.made).toUTCString(),
    "log-sequence": String(info.sequence),
  };
}
