/**
 * The worker's entry: formats and compresses one backup off the main thread,
 * where it would make every get wait.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { RowBlock } from "../../storage/row_block.ts";
import { formatRows, HEADER_LINE } from "./csv_writer.ts";

/** What the main thread sends: rows, and at last that there are no more. */
export type ToBackupWorker =
  | { readonly type: "rows"; readonly rows: RowBlock }
  | { readonly type: "end" };

/** What the worker sends. */
export type FromBackupWorker =
  /** It has taken one `rows` message and can take another. */
  | { readonly type: "taken" }
  /** The next bytes of the gzip file, as `CompressionStream` makes it. */
  | { readonly type: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The file is complete. */
  | { readonly type: "end" };

const gzip = new CompressionStream("gzip");
const writer = gzip.writable.getWriter();

function post(message: FromBackupWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

async function sendBytes(): Promise<void> {
  for await (const bytes of gzip.readable) {
    post({ type: "bytes", bytes }, [bytes.buffer]);
  }
  post({ type: "end" });
}

self.onmessage = async ({ data }: MessageEvent<ToBackupWorker>) => {
  if (data.type === "end") {
    await writer.close();
  } else {
    await writer.write(formatRows(data.rows));
    post({ type: "taken" });
  }
};

writer.write(HEADER_LINE);
sendBytes();
