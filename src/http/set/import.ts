/**
 * `POST /import`.
 *
 * @module
 */
import { BackupError } from "../../snapshot/format/backup_error.ts";
import { withIdleTimeout } from "../../idle_timeout.ts";
import {
  type ImportFile,
  readImport,
} from "../../snapshot/format/read_import.ts";
import type { ReadRows } from "../../snapshot/format/row_builder.ts";
import { Change } from "../../log/change.ts";
import type { Replica } from "../../replica/replica.ts";
import type { RowBatch } from "../../storage/row_batch.ts";
import { NUMBER_FIELDS, type UserGradePatch } from "../../user_grade.ts";
import { BODY_TIMEOUT_MS, BodyTimeoutError } from "../server/body.ts";
import { HttpError, toHttpError } from "../server/problem.ts";
import type { Handler } from "../server/router.ts";

/** How many imports run at a time. */
const IMPORTS_MAX = 2;

/** Ids are taken byte for byte: a byte order mark is a character of the id. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How far an import has come. */
interface Progress {
  /** How many rows are committed. */
  rows: number;
  /** The sequence of the last of them. */
  sequence: number;
  /** The line of the row that did not commit; undefined if all have so far. */
  failedLine: number | undefined;
}

/**
 * @param replica Where the rows are proposed.
 * @returns A handler that imports a backup or any CSV file of user grades, of any
 * size in constant memory.
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
    const progress: Progress = {
      rows: 0,
      sequence: replica.appliedSequence,
      failedLine: undefined,
    };
    const file = readImport(
      withIdleTimeout(
        request.body ?? new Response("").body!,
        BODY_TIMEOUT_MS,
        () =>
          new BodyTimeoutError(
            `No byte came within ${BODY_TIMEOUT_MS / 1000} s`,
          ),
      ),
    );
    try {
      for await (const rows of file.rows) {
        await proposeRows(replica, rows, progress);
      }
      return Response.json({
        rows: progress.rows,
        log_sequence: progress.sequence,
      });
    } catch (error) {
      throw failure(error, file, progress);
    } finally {
      running--;
    }
  };
}

/** The error with how far the import came. */
function failure(
  error: unknown,
  file: ImportFile,
  { rows, failedLine }: Progress,
): HttpError {
  // A body that breaks off is a `TypeError` of the runtime.
  const isUnreadable = error instanceof BackupError ||
    error instanceof TypeError;
  const { status, message, extras } = isUnreadable
    ? new HttpError(400, error.message)
    : toHttpError(error);
  return new HttpError(status, message, {
    headers: { ...extras.headers, connection: "close" },
    members: { line: failedLine ?? file.line, rows_committed: rows },
  });
}

/** Proposes a batch of rows, and counts those that are committed. */
async function proposeRows(
  replica: Replica,
  batch: ReadRows,
  progress: Progress,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    Array.from(
      { length: batch.count },
      // `async` turns what `submit` throws at once into a rejection.
      async (_, row) => await replica.submit(rowChange(batch, row)),
    ),
  );
  for (const [row, outcome] of outcomes.entries()) {
    if (outcome.status === "rejected") {
      progress.failedLine = batch.lines[row];
      throw outcome.reason;
    }
    progress.rows++;
    progress.sequence = outcome.value.sequence;
  }
}

function rowChange(
  { keys, keyEnds, numbers }: RowBatch,
  row: number,
): Change {
  const start = row === 0 ? 0 : keyEnds[row - 1];
  const patch: UserGradePatch = {
    user_id: decoder.decode(keys.subarray(start, keyEnds[row])),
  };
  for (const [i, field] of NUMBER_FIELDS.entries()) {
    const number = numbers[4 * row + i];
    if (!Number.isNaN(number)) patch[field] = number;
  }
  return Change.set(patch);
}
