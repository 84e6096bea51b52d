/**
 * Reading a backup in a worker, in constant memory: the main thread gets rows,
 * or only their number and digest.
 *
 * @module
 */
import type { RowBlock } from "../../storage/row_block.ts";
import type { FoundRows } from "../row_check.ts";
import { BackupDecoder } from "./backup_decoder.ts";
import { ByteReader } from "./byte_reader.ts";
import type { GzipHeader } from "./gzip_header.ts";
import { readBackupHeader, readBackupRows } from "./read_backup.ts";
import { NO_REST, type RestFactor } from "./rest.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A backup file whose header is read. It can be read on once. */
export interface OpenBackup extends Disposable {
  /** What it says of itself. */
  readonly header: GzipHeader;
  /**
   * Its rows, in blocks. Throws {@linkcode BackupError} where the file is not
   * what it must be, and whatever the stream throws.
   *
   * @param where Who reads them: a small file is read before a worker has
   * started.
   */
  rows(where?: "worker" | "here"): AsyncIterable<RowBlock>;
  /**
   * Reads it to its end, and throws the same.
   *
   * @param restFactor Asked before each chunk.
   */
  count(restFactor?: RestFactor): Promise<FoundRows>;
  /**
   * Lets go of the stream and of the worker. A read under way fails.
   *
   * @param reason The error that it fails with.
   */
  close(reason?: Error): void;
}

/**
 * @param stream A backup file.
 * @returns The file. Only what follows the header needs a worker.
 * @throws {BackupError} If it has no header.
 */
export async function openBackup(
  stream: ReadableStream<Bytes>,
): Promise<OpenBackup> {
  const reader = new ByteReader(stream);
  let decoder: BackupDecoder | undefined;
  let closed: Error | undefined;
  const close = (reason = new Error("The backup was closed")) => {
    closed ??= reason;
    decoder?.fail(reason);
    reader.cancel(reason).catch(() => {});
  };
  const decode = (wantsRows: boolean, restFactor = NO_REST) => {
    if (closed !== undefined) throw closed;
    return decoder = new BackupDecoder(reader, wantsRows, restFactor);
  };
  try {
    return {
      header: await readBackupHeader(reader),
      rows: async function* (where = "worker") {
        if (where === "here") {
          if (closed !== undefined) throw closed;
          return yield* readBackupRows(reader);
        }
        using decoder = decode(true);
        for (let rows; (rows = await decoder.next()) !== undefined;) yield rows;
      },
      count: async (restFactor) => {
        using decoder = decode(false, restFactor);
        await decoder.next();
        return decoder.found!;
      },
      close,
      [Symbol.dispose]: () => close(),
    };
  } catch (error) {
    close(error as Error);
    throw error;
  }
}
