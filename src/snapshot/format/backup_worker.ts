/**
 * The worker's entry: formats and compresses one backup off the main thread,
 * where it would make every get wait.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { RowBlock } from "../../storage/row_block.ts";
import { formatRows, HEADER_LINE } from "./csv_writer.ts";
import { rest } from "./rest.ts";

/** What the main thread sends: rows, and at last that there are no more. */
export type ToBackupWorker =
  | {
    readonly type: "rows";
    readonly rows: RowBlock;
    /** How long to rest after them, in times of how long they took. */
    readonly restFactor: number;
  }
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

async function work(message: ToBackupWorker): Promise<void> {
  if (message.type === "end") return await writer.close();
  const began_ms = performance.now();
  await writer.write(formatRows(message.rows));
  await rest(performance.now() - began_ms, message.restFactor);
  post({ type: "taken" });
}

/** One message after the other, also while it rests. */
let worked = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<ToBackupWorker>) => {
  worked = worked.then(() => work(data));
};

writer.write(HEADER_LINE);
sendBytes();
