/**
 * Writing a backup: a stream of the state at one sequence, at the pace of
 * whoever reads it.
 *
 * @module
 */
import type { TableSnapshot } from "../storage/snapshot.ts";
import { formatRows, HEADER_LINE } from "./backup_csv.ts";
import { backupHeader, type BackupInfo } from "./backup_info.ts";
import { BARE_HEADER_BYTES, formatGzipHeader } from "./gzip_header.ts";

/** After how long without a reader a backup is cut. */
export const STALL_TIMEOUT_MS = 60_000;

/** How many rows are formatted and compressed at a time: a millisecond's work. */
const ROWS_PER_CHUNK = 1024;

/**
 * @param info What the backup says of itself.
 * @param table Its rows; closed when the stream ends, however it ends.
 * @param stallTimeout_ms After how long without a reader it is cut.
 * @returns The gzip file.
 */
export function writeBackup(
  info: BackupInfo,
  table: TableSnapshot,
  stallTimeout_ms = STALL_TIMEOUT_MS,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const compressed = csv(table)
    .pipeThrough(new CompressionStream("gzip"))
    .getReader();
  let bareHeaderLeft = BARE_HEADER_BYTES;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(formatGzipHeader(backupHeader(info)));
    },
    pull: async (controller) => {
      clearTimeout(stalled);
      for (;;) {
        const { done, value } = await compressed.read();
        if (done) return controller.close();
        // The stream's own header makes room for ours; its check sum and
        // length at the end do not cover the header.
        const skipped = Math.min(bareHeaderLeft, value.length);
        bareHeaderLeft -= skipped;
        if (skipped === value.length) continue;
        controller.enqueue(value.subarray(skipped));
        break;
      }
      stalled = setTimeout(() => {
        const error = new Error("The backup was not read for too long");
        controller.error(error);
        compressed.cancel(error).catch(() => {});
      }, stallTimeout_ms);
    },
    cancel: (reason) => {
      clearTimeout(stalled);
      return compressed.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** The CSV, made when it is asked for. */
function csv(
  table: TableSnapshot,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(HEADER_LINE),
    pull: (controller) => {
      const rows = table.read(ROWS_PER_CHUNK);
      if (rows === undefined) {
        table.close();
        controller.close();
      } else controller.enqueue(formatRows(rows));
    },
    cancel: () => table.close(),
  }, { highWaterMark: 0 });
}
