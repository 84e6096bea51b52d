/**
 * Reading a file to import, whatever program wrote it, in constant memory.
 *
 * @module
 */
import { BackupError } from "./backup_error.ts";
import { ByteReader } from "./byte_reader.ts";
import { CsvReader } from "./csv_reader.ts";
import { gunzip } from "./gunzip.ts";
import { isGzip } from "./gzip_header.ts";
import type { ReadRows } from "./row_builder.ts";

/**
 * How long rows wait for more. So a client that sends line after line makes
 * large entries, and the rows of one that pauses are stored.
 */
const GATHER_TIMEOUT_MS = 100;

/** A file that is being imported. */
export interface ImportFile {
  /** The line that is being read, from 1. */
  readonly line: number;
  /**
   * The rows, in blocks that are full if the stream is fast enough; a number
   * that is not given is `NaN`. Throws {@linkcode BackupError} after the rows
   * before the first line that is not valid, and whatever the stream throws.
   */
  readonly rows: AsyncIterable<ReadRows>;
}

/**
 * @param stream CSV of user grades, plain or gzip.
 * @returns The file. Nothing of it is read yet.
 */
export function readImport(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): ImportFile {
  const csv = new CsvReader("any");
  return {
    get line() {
      return csv.line;
    },
    rows: readRows(new ByteReader(stream), csv),
  };
}

async function* readRows(
  reader: ByteReader,
  csv: CsvReader,
): AsyncGenerator<ReadRows> {
  try {
    for await (const chunk of inTime(unpacked(reader), csv)) {
      if (chunk === undefined) yield csv.take();
      else yield* csv.read(chunk);
    }
    yield* csv.finish();
  } catch (error) {
    if (csv.gathered > 0) yield csv.take();
    throw error;
  } finally {
    reader.cancel().catch(() => {});
  }
  yield csv.take();
}

/** The chunks of a file, unzipped if it is gzip. */
async function* unpacked(reader: ByteReader): AsyncGenerator<Uint8Array> {
  while (isGzip(reader.buffered) === undefined && await reader.more());
  if (isGzip(reader.buffered)) return yield* unzipped(reader);
  for (let chunk; (chunk = await reader.take()) !== undefined;) yield chunk;
}

/** What is in a gzip file; an error also names the usual cause of damage. */
async function* unzipped(reader: ByteReader): AsyncGenerator<Uint8Array> {
  try {
    yield* gunzip(reader);
  } catch (cause) {
    if (!(cause instanceof BackupError)) throw cause;
    throw new BackupError(
      `${cause.message}. curl -d and --data damage it, use --data-binary @FILE`,
      { cause },
    );
  }
}

/** The chunks, and `undefined` whenever gathered rows have waited long enough. */
async function* inTime(
  chunks: AsyncIterator<Uint8Array>,
  csv: CsvReader,
): AsyncGenerator<Uint8Array | undefined> {
  let alarm: PromiseWithResolvers<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(timer);
    alarm = undefined;
  };
  let gathered = 0;
  try {
    let next = chunks.next();
    for (;;) {
      // A block has left since.
      if (csv.gathered < gathered || csv.gathered === 0) stop();
      gathered = csv.gathered;
      if (gathered > 0 && alarm === undefined) {
        alarm = Promise.withResolvers();
        timer = setTimeout(alarm.resolve, GATHER_TIMEOUT_MS);
      }
      const result = await (alarm ? Promise.race([next, alarm.promise]) : next);
      if (result === undefined) {
        yield undefined;
        continue;
      }
      if (result.done) return;
      yield result.value;
      next = chunks.next();
    }
  } finally {
    stop();
    // Waits for the chunk that is on its way, if there is one.
    chunks.return?.().catch(() => {});
  }
}
