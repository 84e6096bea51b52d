/**
 * How snapshots become backup files, and backup files snapshots.
 *
 * @module
 */
import { withIdleTimeout } from "../idle_timeout.ts";
import { type OpenBackup, openBackup } from "./format/open_backup.ts";
import { NO_REST, type RestFactor } from "./format/rest.ts";
import { writeBackup } from "./format/write_backup.ts";
import type { Snapshot } from "./snapshot.ts";

/** How long a place may give nothing in the middle of a file. */
const IDLE_TIMEOUT_MS = 30_000;

/** Turns snapshots into backup files and back. */
export interface FileCodec {
  /** How long to rest while files are written and read back. */
  readonly restFactor: RestFactor;
  /** @throws {BackupError} If the stream does not begin as a backup file does. */
  open(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<OpenBackup>;
  /** @returns The file, made at the pace of its reader. */
  write(
    snapshot: Snapshot,
    made: string,
  ): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/**
 * @param restFactor How long the workers rest while they write files and read
 * them back.
 * @returns A codec that works in workers.
 */
export function inWorkers(restFactor: RestFactor = NO_REST): FileCodec {
  return {
    restFactor,
    open: (stream) =>
      openBackup(withIdleTimeout(
        stream,
        IDLE_TIMEOUT_MS,
        () => new Error(`no byte for ${IDLE_TIMEOUT_MS} ms`),
      )),
    write: (snapshot, made) =>
      writeBackup(snapshot, made, { restFactor, compression: "fast" }),
  };
}
