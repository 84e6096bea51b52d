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
import { patchOf } from "../../snapshot/format/row_patch.ts";
import type { SetTarget } from "../ports.ts";
import { BODY_TIMEOUT_MS, BodyTimeoutError } from "../server/body.ts";
import { Limit } from "../server/limit.ts";
import { refuseQuery } from "../server/no_query.ts";
import { HttpError, toHttpError } from "../server/problem.ts";
import type { Handler } from "../server/router.ts";
import type { ImportAnswer, ImportFailure } from "./import_openapi.ts";

/** How many imports run at a time. */
export const IMPORTS_MAX = 2;

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
 * @param target Where the rows are proposed.
 * @param idleTimeout_ms How long the client may pause.
 * @returns A handler that imports a backup or any CSV file of user grades, of any
 * size, in constant memory.
 */
export function importFile(
  target: SetTarget,
  idleTimeout_ms = BODY_TIMEOUT_MS,
): Handler {
  const limit = new Limit(IMPORTS_MAX, "imports are running");
  return async (request, query) => {
    refuseQuery(query, "An import");
    const leave = limit.enter();
    const progress: Progress = {
      rows: 0,
      sequence: target.appliedSequence,
      failedLine: undefined,
    };
    const file = readImport(
      withIdleTimeout(
        request.body ?? new Response("").body!,
        idleTimeout_ms,
        () =>
          new BodyTimeoutError(
            `No byte came within ${idleTimeout_ms / 1000} s`,
          ),
        { preventCancel: true },
      ),
    );
    try {
      for await (const rows of file.rows) {
        await proposeRows(target, rows, progress);
      }
      const { rows, sequence } = progress;
      const answer: ImportAnswer = { rows, log_sequence: sequence };
      return Response.json(answer);
    } catch (error) {
      throw failure(error, file, progress);
    } finally {
      leave();
    }
  };
}

/**
 * @param handler Imports a file, or refuses to begin.
 * @returns The same, where every error says how far the import came.
 */
export function withProgress(handler: Handler): Handler {
  return async (request, query) => {
    try {
      return await handler(request, query);
    } catch (error) {
      const { status, message, extras } = toHttpError(error);
      const notBegun: ImportFailure = { line: 1, rows_committed: 0 };
      const members = { ...notBegun, ...extras.members };
      throw new HttpError(status, message, { ...extras, members });
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
  const how: ImportFailure = {
    line: failedLine ?? file.line,
    rows_committed: rows,
  };
  return new HttpError(status, message, {
    headers: { ...extras.headers, connection: "close" },
    members: { ...how },
  });
}

/** Proposes a block of rows, and counts those that are committed. */
async function proposeRows(
  target: SetTarget,
  block: ReadRows,
  progress: Progress,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    Array.from(
      { length: block.count },
      // `async` turns what `set` throws at once into a rejection.
      async (_, row) => await target.set(patchOf(block, row)),
    ),
  );
  for (const [row, outcome] of outcomes.entries()) {
    if (outcome.status === "rejected") {
      progress.failedLine = block.lines[row];
      throw outcome.reason;
    }
    progress.rows++;
    progress.sequence = outcome.value.sequence;
  }
}
