/**
 * The worker's entry: formats and compresses one backup after the other, off the
 * main thread, where it would make every get wait.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { Duplex } from "node:stream";
import { createGzip } from "node:zlib";
import type { RowBlock } from "../../storage/row_block.ts";
import type { Compression } from "./compression.ts";
import { formatRows, HEADER_LINE } from "./csv_writer.ts";
import { giveWay } from "./give_way.ts";
import { rest } from "./rest.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What the main thread sends: rows, and at last that there are no more. */
export type ToBackupWorker =
  /** The first message about a backup. */
  | { readonly type: "begin"; readonly compression: Compression }
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
  /** The next bytes of the gzip file, with a header of ten bytes. */
  | { readonly type: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The file is complete. */
  | { readonly type: "end" };

/** The level of `"fast"`: 1 takes half the time, but 1.7 times as many bytes. */
const FAST_LEVEL = 2;

/** The bytes of a chunk that `"fast"` makes. */
const FAST_CHUNK_BYTES = 64 * 1024;

/** A gzip stream; `CompressionStream` lets nobody choose the level. */
function gzipStream(compression: Compression): TransformStream<Bytes, Bytes> {
  return compression === "small" ? new CompressionStream("gzip") : Duplex.toWeb(
    createGzip({ level: FAST_LEVEL, chunkSize: FAST_CHUNK_BYTES }),
  );
}

let writer: WritableStreamDefaultWriter<Bytes>;

function post(message: FromBackupWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

async function begin(compression: Compression): Promise<void> {
  const { readable, writable } = gzipStream(compression);
  writer = writable.getWriter();
  writer.write(HEADER_LINE);
  for await (const bytes of readable) {
    post({ type: "bytes", bytes }, [bytes.buffer]);
  }
  post({ type: "end" });
}

async function work(
  message: Exclude<ToBackupWorker, { type: "begin" }>,
): Promise<void> {
  if (message.type === "end") return await writer.close();
  const began_ms = performance.now();
  await writer.write(formatRows(message.rows));
  await rest(performance.now() - began_ms, message.restFactor);
  post({ type: "taken" });
}

giveWay();

/** One message after the other, also while it rests. */
let worked = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<ToBackupWorker>) => {
  if (data.type === "begin") begin(data.compression);
  else worked = worked.then(() => work(data));
};
