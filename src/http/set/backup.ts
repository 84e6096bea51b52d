/**
 * `GET /backup` and `HEAD /backup`.
 *
 * @module
 */
import {
  type BackupInfo,
  backupInfoJson,
  backupName,
} from "../../snapshot/format/backup_info.ts";
import { PREFER_FAST, prefersFast } from "../../snapshot/format/compression.ts";
import { writeBackup } from "../../snapshot/format/write_backup.ts";
import type { BackupSource } from "../ports/snapshots.ts";
import { Limit } from "../server/limit.ts";
import { type Handler, methods } from "../server/router.ts";

/** How many backups are served at a time: each may keep a copy of what changes. */
export const BACKUPS_MAX = 4;

/** What it is. */
const GZIP = "application/gzip";
/** What it is for programs that ask for a file of any kind, and nothing else. */
const ANY_FILE = "application/octet-stream";

/** The backups that a replica has served. */
export class BackupCounts {
  /** How many were read to their end. */
  complete = 0;
  /** How many were cut off, or abandoned by their reader. */
  broken = 0;
  /** How many bytes of them were read. */
  bytes = 0;
  /** When the last one was read to its end, in ms since 1970. */
  completeAt_ms: number | undefined;
}

/**
 * @param source Whose state is served.
 * @param counts Counts the backups.
 * @returns A handler that streams the state as it is at the request, and keeps
 * nothing open for HEAD.
 */
export function backup(source: BackupSource, counts: BackupCounts): Handler {
  const limit = new Limit(BACKUPS_MAX, "backups are being served");
  const hold = (asked: Headers) => {
    const snapshot = source.snapshot();
    const made = new Date().toISOString();
    const headers = {
      "content-type": asked.get("accept") === ANY_FILE ? ANY_FILE : GZIP,
      ...headersOf({ ...snapshot.info, made }),
    };
    return { snapshot, made, headers };
  };
  const head: Handler = ({ headers: asked }) => {
    const { snapshot, headers } = hold(asked);
    snapshot[Symbol.dispose]();
    // With no body at all the runtime would say that there are 0 bytes.
    const empty = new ReadableStream({ pull: (stream) => stream.close() });
    return new Response(empty, { headers });
  };
  const get: Handler = ({ headers: asked }) => {
    const leave = limit.enter();
    try {
      const { snapshot, made, headers } = hold(asked);
      const observer = {
        read: (bytes: number) => counts.bytes += bytes,
        end: (isComplete: boolean) => {
          leave();
          if (isComplete) {
            counts.complete++;
            counts.completeAt_ms = Date.now();
          } else counts.broken++;
        },
      };
      const isFast = prefersFast(asked);
      const compression = isFast ? "fast" : "small";
      const file = writeBackup(snapshot, made, { observer, compression });
      if (!isFast) return new Response(file, { headers });
      return new Response(file, {
        headers: { ...headers, "preference-applied": PREFER_FAST },
      });
    } catch (error) {
      leave();
      throw error;
    }
  };
  return methods({ GET: get, HEAD: head });
}

function headersOf(info: BackupInfo): Record<string, string> {
  return {
    "content-disposition": `attachment; filename="${backupName(info)}.gz"`,
    "last-modified": new Date(info.made).toUTCString(),
    "log-sequence": String(info.sequence),
    "backup-info": backupInfoJson(info),
  };
}
