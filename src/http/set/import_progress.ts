/**
 * How far an import has come, and what its answer or its error says of that.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";
import { BackupError } from "../../snapshot/format/backup_error.ts";
import type { ImportFile } from "../../snapshot/format/read_import.ts";
import { SeenIdsFullError } from "../../storage/seen_ids.ts";
import { HttpError, toHttpError } from "../server/problem.ts";
import type { Handler } from "../server/router.ts";
import { FileUsersGoneError } from "./delete_unseen.ts";
import type { ImportAnswer, ImportFailure } from "./import_openapi.ts";

/** How far an import has come. */
export interface ImportProgress {
  /** How many rows are committed. */
  rows: number;
  /** The sequence of the last change or, at the end, of the last look. */
  sequence: number;
  /** The line of the row that did not commit; undefined if all have so far. */
  failedLine: number | undefined;
  /** How many users are deleted; undefined before that begins. */
  deleted: number | undefined;
}

/** @returns What a finished import answers. */
export function importAnswer(
  { rows, deleted, sequence }: ImportProgress,
): ImportAnswer {
  return {
    rows,
    ...(deleted !== undefined && { deleted }),
    log_sequence: sequence,
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

/**
 * @param error What ended the import.
 * @param file The file that is imported.
 * @returns The error with how far the import came.
 */
export function importFailure(
  error: unknown,
  file: ImportFile,
  { rows, failedLine, deleted }: ImportProgress,
): HttpError {
  // A body that breaks off is a `TypeError` of the runtime.
  const isUnreadable = error instanceof BackupError ||
    error instanceof TypeError;
  const { status, message, extras } = isUnreadable
    ? new HttpError(400, error.message)
    : error instanceof SeenIdsFullError
    ? toHttpError(
      new UnavailableError(`${error.message}: import without replace=true`),
    )
    : toHttpError(error);
  const how: ImportFailure = {
    line: failedLine ?? file.line,
    rows_committed: rows,
    ...(deleted !== undefined && { deleted_committed: deleted }),
  };
  const isSaid = error instanceof FileUsersGoneError;
  const state = deleted === undefined || rows === 0 || isSaid
    ? ""
    : `. All rows are stored, and ${deleted} of the users who are not in the file are deleted: import it again`;
  return new HttpError(status, message + state, {
    headers: { ...extras.headers, connection: "close" },
    members: { ...how },
  });
}
