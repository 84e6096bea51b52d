/**
 * The end of an import that replaces the state: users who are not in the file
 * are deleted.
 *
 * @module
 */
import { CHANGES_MAX } from "../../change_array.ts";
import { TooLargeError } from "../../errors.ts";
import { EVENT_LOOP } from "../../snapshot/event_loop.ts";
import { idOf } from "../../snapshot/format/row_patch.ts";
import type { SeenIds } from "../../storage/seen_ids.ts";
import type { BackupSource, CommittedDeletions, SetTarget } from "../ports.ts";
import { HttpError } from "../server/problem.ts";

/** How long the search goes on before other requests get their turn. */
const SLICE_MS = 5;

/**
 * Deletes each user whom the state has and a file has not. Users who are set
 * from now on stay.
 *
 * @param target Has the state, and takes the deletions.
 * @param seen The ids of the file.
 * @param rows How many rows the file has.
 * @param committed Told of deletions that are committed and applied.
 * @throws {HttpError} 400, if the file has no rows, and there are users.
 * @throws {Error} As `target` throws; the deletions before are committed.
 */
export async function deleteUnseen(
  target: SetTarget & BackupSource,
  seen: SeenIds,
  rows: number,
  committed: (deletions: CommittedDeletions) => void,
): Promise<void> {
  using snapshot = target.snapshot();
  if (rows === 0 && snapshot.info.rows > 0) {
    throw new HttpError(
      400,
      `The file has no users, so all ${snapshot.info.rows} would be deleted: check where it comes from; to delete users, use POST /delete`,
    );
  }
  let waiting: string[] = [];
  let sliceEnd = EVENT_LOOP.now() + SLICE_MS;
  for await (const block of snapshot.blocks) {
    for (const row of seen.unseen(block)) {
      waiting.push(idOf(block, row));
      if (waiting.length < CHANGES_MAX) continue;
      await deleteAll(target, waiting, committed);
      waiting = [];
    }
    if (EVENT_LOOP.now() < sliceEnd) continue;
    await EVENT_LOOP.pause();
    sliceEnd = EVENT_LOOP.now() + SLICE_MS;
  }
  if (waiting.length > 0) await deleteAll(target, waiting, committed);
}

/** Deletes users, in parts if they are more than one entry of the log holds. */
async function deleteAll(
  target: SetTarget,
  ids: readonly string[],
  committed: (deletions: CommittedDeletions) => void,
): Promise<void> {
  let deletions: CommittedDeletions;
  try {
    deletions = await target.deleteMany(ids.map((user_id) => ({ user_id })));
  } catch (error) {
    if (!(error instanceof TooLargeError) || ids.length === 1) throw error;
    const half = ids.length >> 1;
    await deleteAll(target, ids.slice(0, half), committed);
    await deleteAll(target, ids.slice(half), committed);
    return;
  }
  committed(deletions);
}
