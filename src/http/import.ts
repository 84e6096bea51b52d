/**
 * `POST /import`.
 *
 * @module
 */
import { BackupError } from "../backup/backup_csv.ts";
import { withIdleTimeout } from "../backup/idle_timeout.ts";
import { type BackupFile, readBackup } from "../backup/read_backup.ts";
import { Change } from "../log/change.ts";
import type { Replica } from "../replica/replica.ts";
import type { RowBatch } from "../storage/row_batch.ts";
import { BODY_TIMEOUT_MS, BodyTimeoutError } from "./body.ts";
import { HttpError, toHttpError } from "./problem.ts";
import type { Handler } from "./router.ts";

/**
 * How many rows are proposed at a time: about an entry's worth, and little
 * enough of the queue that other sets find room in it.
 */
const ROWS_AT_A_TIME = 1_000;

/** How many imports run at a time. */
const IMPORTS_MAX = 2;

/** Ids are taken byte for byte: a byte order mark is a character of the id. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/**
 * @param replica Where the rows are proposed.
 * @returns A handler that imports a backup file, of any size in constant memory.
 */
export function importBackup(replica: Replica): Handler {
  let running = 0;
  return async (request) => {
    if (running >= IMPORTS_MAX) {
      throw new HttpError(
        503,
        `${IMPORTS_MAX} imports are running, which is the limit`,
        { headers: { "retry-after": "1" } },
      );
    }
    running++;
    const progress = { rows: 0, sequence: replica.appliedSequence };
    let file: BackupFile | undefined;
    try {
      const body = request.body ?? new Response("").body!;
      file = await readBackup(
        withIdleTimeout(
          body,
          BODY_TIMEOUT_MS,
          () =>
            new BodyTimeoutError(
              `No byte came within ${BODY_TIMEOUT_MS / 1000} s`,
            ),
        ),
      );
      for await (const batch of file.rows) {
        await proposeRows(replica, batch, progress);
      }
      return Response.json({
        rows: progress.rows,
        log_sequence: progress.sequence,
      });
    } catch (error) {
      throw failure(error, file, progress.rows);
    } finally {
      running--;
    }
  };
}

/** The error with how far the import came. */
function failure(
  error: unknown,
  file: BackupFile | undefined,
  rows: number,
): HttpError {
  const isUnreadable = error instanceof BackupError ||
    (error instanceof TypeError && file !== undefined);
  const { status, message, extras } = isUnreadable
    ? new HttpError(400, (error as Error).message)
    : toHttpError(error);
  // Rows after the first are on the lines after the header.
  const line = error instanceof BackupError ? file?.line ?? 1 : rows + 2;
  return new HttpError(status, message, {
    headers: { ...extras.headers, connection: "close" },
    members: { line, rows_committed: rows },
  });
}

/** Proposes rows, a number at a time, and counts those that are committed. */
async function proposeRows(
  replica: Replica,
  batch: RowBatch,
  progress: { rows: number; sequence: number },
): Promise<void> {
  for (let from = 0; from < batch.count; from += ROWS_AT_A_TIME) {
    const to = Math.min(batch.count, from + ROWS_AT_A_TIME);
    const outcomes = await Promise.allSettled(
      Array.from(
        { length: to - from },
        // `async` turns what `submit` throws at once into a rejection.
        async (_, i) => await replica.submit(rowChange(batch, from + i)),
      ),
    );
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") throw outcome.reason;
      progress.rows++;
      progress.sequence = outcome.value.sequence;
    }
  }
}

function rowChange(
  { keys, keyEnds, numbers }: RowBatch,
  row: number,
): Change {
  const start = row === 0 ? 0 : keyEnds[row - 1];
  return Change.set({
    user_id: decoder.decode(keys.subarray(start, keyEnds[row])),
    postpaid_limit: numbers[4 * row],
    spp: numbers[4 * row + 1],
    shipping_fee: numbers[4 * row + 2],
    return_fee: numbers[4 * row + 3],
  });
}
