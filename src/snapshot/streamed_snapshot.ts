/**
 * A backup file as a snapshot, wherever its bytes come from.
 *
 * @module
 */
import { withIdleTimeout } from "../idle_timeout.ts";
import type { RowBlock } from "../storage/row_block.ts";
import { BackupError } from "./format/backup_error.ts";
import { parseBackupInfo } from "./format/backup_info.ts";
import { openBackup } from "./format/open_backup.ts";
import type { Snapshot } from "./snapshot.ts";
import { SourceError } from "./source.ts";

const IDLE_TIMEOUT_MS = 15_000;

/**
 * From how many rows on a worker reads them: it takes as long to start as these
 * take to be read.
 */
const WORKER_ROWS_MIN = 50_000;

/**
 * @param stream A backup file.
 * @param close Closes what the stream comes from; may be called twice.
 * @param idleTimeout_ms How long nothing may come in the middle of the file.
 * @returns The snapshot that it holds.
 * @throws {SourceError} If it holds none; what it holds open is closed then.
 * Reading the rows throws the same.
 */
export async function streamedSnapshot(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  close: () => void,
  idleTimeout_ms = IDLE_TIMEOUT_MS,
): Promise<Snapshot> {
  try {
    const backup = await openBackup(
      withIdleTimeout(
        stream,
        idleTimeout_ms,
        () => new SourceError(`unreachable: no byte for ${idleTimeout_ms} ms`),
      ),
    );
    const info = parseBackupInfo(backup.header);
    const where = info.rows < WORKER_ROWS_MIN ? "here" : "worker";
    return {
      info,
      blocks: blaming(backup.rows(where)),
      [Symbol.dispose]: () => {
        backup.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw blame(error);
  }
}

async function* blaming(
  rows: AsyncIterable<RowBlock>,
): AsyncGenerator<RowBlock> {
  try {
    yield* rows;
  } catch (error) {
    throw blame(error);
  }
}

/** Tells a damaged file from a failed transfer. */
function blame(cause: unknown): SourceError {
  if (cause instanceof SourceError) return cause;
  const { message } = cause as Error;
  return cause instanceof BackupError
    ? new SourceError(`damaged: ${message}`, { cause })
    : new SourceError(`broke off: ${message}`, { cause });
}
