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
import type { CommittedDeletions } from "../../committed.ts";
import type { SetTarget } from "../ports/changes.ts";
import type { BackupSource } from "../ports/snapshots.ts";
import { HttpError } from "../server/problem.ts";

/** How long the search goes on before other requests get their turn. */
const SLICE_MS = 5;

/**
 * How often users who are not in the file are deleted. Those who are there after
 * that were set since, and more will be.
 */
export const ROUNDS_MAX = 3;

/** Others have deleted users of the file. */
export class FileUsersGoneError extends HttpError {
  override name = "FileUsersGoneError";

  /**
   * @param gone How many of its users are not there.
   * @param users How many different users it has.
   */
  constructor(gone: number, users: number) {
    super(
      409,
      `Others have deleted ${gone} of the file's ${users} users meanwhile, another import with replace=true perhaps: import it again while nobody else imports or deletes`,
    );
  }
}

/** What a walk through the state has found. */
interface Found {
  /** The sequence that it is the state of. */
  readonly sequence: number;
  /** How many users are in the file. */
  readonly seen: number;
  /** How many are not. */
  readonly unseen: number;
}

/**
 * Deletes each user whom the state has and a file has not, and looks whether the
 * state is the file's then: another import that replaces the state, at another
 * replica, would delete the users of this one.
 *
 * @param target Has the state, and takes the deletions.
 * @param seen The ids of the file; all of them are set.
 * @param committed Told of deletions that are committed and applied.
 * @returns The sequence of the last look: all users of the file were there, and
 * nobody else but who was set since the look before, if there were
 * {@linkcode ROUNDS_MAX}.
 * @throws {HttpError} 400, if the file has no users, and the state has some.
 * @throws {FileUsersGoneError} If users of the file are not there.
 * @throws {Error} As `target` throws; the deletions before are committed.
 */
export async function deleteUnseen(
  target: SetTarget & BackupSource,
  seen: SeenIds,
  committed: (deletions: CommittedDeletions) => void,
): Promise<number> {
  const users = seen.size;
  const remove = (ids: string[]) => deleteAll(target, ids, committed);
  const leave = () => Promise.resolve();
  for (let round = 1;; round++) {
    const isLast = round > ROUNDS_MAX;
    const found = await walk(target, seen, isLast ? leave : remove);
    if (found.seen < users) {
      throw new FileUsersGoneError(users - found.seen, users);
    }
    if (found.unseen === 0 || isLast) return found.sequence;
  }
}

/**
 * Walks through the state as it is now.
 *
 * @param take Takes the ids of up to 1,000 users who are not in the file.
 */
async function walk(
  target: BackupSource,
  seen: SeenIds,
  take: (ids: string[]) => Promise<void>,
): Promise<Found> {
  using snapshot = target.snapshot();
  const { rows, sequence } = snapshot.info;
  if (seen.size === 0 && rows > 0) {
    throw new HttpError(
      400,
      `The file has no users, so all ${rows} would be deleted: check where it comes from; to delete users, use POST /delete`,
    );
  }
  let unseen = 0;
  let waiting: string[] = [];
  let sliceEnd = EVENT_LOOP.now() + SLICE_MS;
  for await (const block of snapshot.blocks) {
    for (const row of seen.unseen(block)) {
      unseen++;
      waiting.push(idOf(block, row));
      if (waiting.length < CHANGES_MAX) continue;
      await take(waiting);
      waiting = [];
    }
    if (EVENT_LOOP.now() < sliceEnd) continue;
    await EVENT_LOOP.pause();
    sliceEnd = EVENT_LOOP.now() + SLICE_MS;
  }
  if (waiting.length > 0) await take(waiting);
  return { sequence, seen: rows - unseen, unseen };
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
