/**
 * Reading a backup: strictly, in constant memory.
 *
 * @module
 */
import { BackupError } from "./backup_error.ts";
import { ByteReader } from "./byte_reader.ts";
import { CsvReader } from "./csv_reader.ts";
import { gunzip } from "./gunzip.ts";
import { type GzipHeader, isGzip, parseGzipHeader } from "./gzip_header.ts";
import type { ReadRows } from "./row_builder.ts";

/** A backup file that is being read. */
export interface BackupFile {
  /** What it says of itself. */
  readonly header: GzipHeader;
  /**
   * The rows, in parts; throws {@linkcode BackupError} where the file is not
   * what it must be, and whatever the stream throws.
   */
  readonly rows: AsyncIterable<ReadRows>;
}

/**
 * @param stream A backup file.
 * @returns The file, read as far as its header.
 * @throws {BackupError} If it has none.
 */
export async function readBackup(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<BackupFile> {
  const reader = new ByteReader(stream);
  try {
    return {
      header: await readBackupHeader(reader),
      rows: readBackupRows(reader),
    };
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  }
}

/**
 * @param reader A backup file, of which no byte is taken.
 * @returns The file's header.
 * @throws {BackupError} If it has none.
 */
export async function readBackupHeader(
  reader: ByteReader,
): Promise<GzipHeader> {
  for (;;) {
    const is = isGzip(reader.buffered);
    if (is === false) {
      throw new BackupError("Cannot read the backup: it is not gzip");
    }
    const header = is && parseGzipHeader(reader.buffered);
    if (header) return header;
    if (!await reader.more()) {
      throw new BackupError("Cannot read the backup: it ends in its header");
    }
  }
}

/**
 * @param reader A backup file; its header may still be buffered.
 * @returns The file's rows, as {@linkcode BackupFile.rows}.
 */
export async function* readBackupRows(
  reader: ByteReader,
): AsyncGenerator<ReadRows> {
  const csv = new CsvReader("backup");
  try {
    for await (const chunk of gunzip(reader)) yield* csv.read(chunk);
    yield* csv.finish();
    yield csv.take();
  } finally {
    // Its error, if it broke, was thrown already.
    reader.cancel().catch(() => {});
  }
}
