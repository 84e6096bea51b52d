/**
 * `POST /import`.
 *
 * @module
 */
import { withIdleTimeout } from "../../idle_timeout.ts";
import { readImport } from "../../snapshot/format/read_import.ts";
import type { ReadRows } from "../../snapshot/format/row_builder.ts";
import { patchOf } from "../../snapshot/format/row_patch.ts";
import { SeenIds } from "../../storage/seen_ids.ts";
import type { SetTarget } from "../ports/changes.ts";
import type { BackupSource } from "../ports/snapshots.ts";
import { BODY_TIMEOUT_MS, BodyTimeoutError } from "../server/body.ts";
import { Limit } from "../server/limit.ts";
import {
  invalidParameter,
  only,
  onlyParametersOf,
} from "../server/parameters.ts";
import type { Handler } from "../server/router.ts";
import { deleteUnseen } from "./delete_unseen.ts";
import {
  importAnswer,
  importFailure,
  type ImportProgress,
} from "./import_progress.ts";

/** How many imports run at a time. */
export const IMPORTS_MAX = 2;

/** The imports that have ended. */
export class ImportCounts {
  /** How many were stored whole. */
  complete = 0;
  /** How many failed after they had begun. */
  failed = 0;
}

/**
 * @param target Where the rows are proposed.
 * @param counts Counts the imports.
 * @param idleTimeout_ms How long the client may pause.
 * @returns A handler that imports a backup or any CSV file of user grades, of any
 * size, in constant memory. With `replace=true` it deletes all other users at
 * the end, looks whether the state is the file's, and keeps 16 to 43 bytes for
 * each row until then.
 */
export function importFile(
  target: SetTarget & BackupSource,
  counts = new ImportCounts(),
  idleTimeout_ms = BODY_TIMEOUT_MS,
): Handler {
  const limit = new Limit(IMPORTS_MAX, "imports are running");
  // Each of two would delete the users of the other. One at another replica
  // shows in the look at the end.
  const replacing = new Limit(1, "import with replace=true is running");
  return async (request, query) => {
    const seen = isReplacing(query) ? new SeenIds() : undefined;
    using limits = new DisposableStack();
    limits.defer(limit.enter());
    if (seen !== undefined) limits.defer(replacing.enter());
    const progress: ImportProgress = {
      rows: 0,
      sequence: target.appliedSequence,
      failedLine: undefined,
      deleted: undefined,
    };
    const file = readImport(bodyOf(request, idleTimeout_ms));
    try {
      for await (const rows of file.rows) {
        await proposeRows(target, rows, progress);
        seen?.add(rows);
      }
      if (seen !== undefined) await replaceRest(target, seen, progress);
      counts.complete++;
      return Response.json(importAnswer(progress));
    } catch (error) {
      counts.failed++;
      throw importFailure(error, file, progress);
    }
  };
}

/**
 * @returns Whether users who are not in the file are deleted.
 * @throws {HttpError} 400, if the query asks for anything else.
 */
function isReplacing(query: string): boolean {
  const replace = only(
    onlyParametersOf(query, "An import", ["replace"]),
    "replace",
  );
  if (replace !== undefined && replace !== "true") {
    throw invalidParameter("replace", "must be true, or left out");
  }
  return replace === "true";
}

/** A request's body, which may not pause for too long. */
function bodyOf(request: Request, idleTimeout_ms: number) {
  return withIdleTimeout(
    request.body ?? new Response("").body!,
    idleTimeout_ms,
    () =>
      new BodyTimeoutError(`No byte came within ${idleTimeout_ms / 1000} s`),
    { preventCancel: true },
  );
}

/** Deletes the users who are not in the file, until the state is the file's. */
async function replaceRest(
  target: SetTarget & BackupSource,
  seen: SeenIds,
  progress: ImportProgress,
): Promise<void> {
  let count = progress.deleted = 0;
  progress.sequence = await deleteUnseen(target, seen, ({ deleted }) => {
    count += deleted.filter(({ existed }) => existed).length;
    progress.deleted = count;
  });
}

/** Proposes a block of rows, and counts those that are committed. */
async function proposeRows(
  target: SetTarget,
  block: ReadRows,
  progress: ImportProgress,
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
