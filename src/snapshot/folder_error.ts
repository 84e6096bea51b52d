/**
 * What is wrong with a folder of snapshots, and what to do about it.
 *
 * @module
 */
import { SnapshotsForbiddenError, SnapshotStoreError } from "./store.ts";

/** The system's codes: https://man7.org/linux/man-pages/man3/errno.3.html */
const FORBIDDEN = ["EACCES", "EPERM", "EROFS"];
const FULL = ["ENOSPC", "EDQUOT"];

/**
 * @param what What can't be done, as in "write the snapshot".
 * @param folder The folder.
 * @param cause What the system said.
 * @returns The error of a store.
 */
export function folderError(
  what: string,
  folder: string,
  cause: unknown,
): SnapshotStoreError {
  if (cause instanceof SnapshotStoreError) return cause;
  const { message } = cause as Error;
  const code = (cause as { code?: string }).code ?? "";
  const failed = `Cannot ${what} in the folder ${folder}`;
  const options = { cause };
  if (cause instanceof Deno.errors.NotCapable) {
    return new SnapshotsForbiddenError(
      `${failed}: the runtime was not allowed to use it: name it in --allow-read and --allow-write`,
      options,
    );
  }
  if (FORBIDDEN.includes(code)) {
    return new SnapshotsForbiddenError(
      `${failed}: ${message}: let this process write there, or set another SNAPSHOT_DIR`,
      options,
    );
  }
  const reason = FULL.includes(code)
    ? "its disk is full: make room"
    : code === "ENOTDIR"
    ? "it is no folder: set another SNAPSHOT_DIR"
    : code === "ENOENT"
    ? "the file or the folder was deleted, moved or unmounted meanwhile: put it back"
    : message;
  return new SnapshotStoreError(`${failed}: ${reason}`, options);
}
