/**
 * Reading a backup: strictly, in constant memory.
 *
 * @module
 */
import type { RowBatch } from "../storage/row_batch.ts";
import { BackupError, CsvReader } from "./backup_csv.ts";
import { type GzipHeader, isGzip, parseGzipHeader } from "./gzip_header.ts";

/**
 * How many bytes of CSV make a batch: a chunk of the stream may unzip to many
 * times as much, and whoever works the rows off wants to do so in short turns.
 */
const BYTES_AT_A_TIME = 32 * 1024;

/** A backup file that is being read. */
export interface BackupFile {
  /** The header of a gzip file; undefined for plain CSV. */
  readonly header: GzipHeader | undefined;
  /** The line that is being read, from 1. */
  readonly line: number;
  /**
   * The rows, in parts; throws {@linkcode BackupError} where the file is not
   * what it must be, and whatever the stream throws.
   */
  readonly rows: AsyncIterable<RowBatch>;
}

/**
 * @param stream A backup file, gzip or plain CSV.
 * @returns The file, read as far as its header.
 * @throws {BackupError} If it has none.
 */
export async function readBackup(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<BackupFile> {
  const reader = stream.getReader();
  let begin: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  let ended = false;
  const readMore = async () => {
    const { done, value } = await reader.read();
    if (done) ended = true;
    else begin = concatenate(begin, value);
  };
  while (isGzip(begin) === undefined && !ended) await readMore();
  let header: GzipHeader | undefined;
  if (isGzip(begin)) {
    while ((header = parseGzipHeader(begin)) === undefined && !ended) {
      await readMore();
    }
    if (header === undefined) {
      throw new BackupError("Cannot read the backup: it ends in its header");
    }
  }
  let broken: unknown;
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(begin),
    pull: async (controller) => {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        broken = error;
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const csv = new CsvReader();
  return {
    header,
    get line() {
      return csv.line;
    },
    rows: header === undefined
      ? parse(rest, csv)
      : parse(decompress(rest, () => broken), csv),
  };
}

async function* parse(
  chunks: AsyncIterable<Uint8Array>,
  csv: CsvReader,
): AsyncGenerator<RowBatch> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += BYTES_AT_A_TIME) {
      yield csv.read(chunk.subarray(at, at + BYTES_AT_A_TIME));
    }
  }
  yield csv.finish();
}

/** Unzips, and tells damage from a stream that broke. */
async function* decompress(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  streamError: () => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream.pipeThrough(new DecompressionStream("gzip"));
  } catch (cause) {
    if (streamError() !== undefined) throw streamError();
    throw new BackupError(
      `Cannot read the backup: its gzip is damaged or cut short (${
        (cause as Error).message
      })`,
      { cause },
    );
  }
}

function concatenate(
  a: Uint8Array<ArrayBuffer>,
  b: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
