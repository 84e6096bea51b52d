/**
 * How much room there is for the embedded log's file.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { RowBlock } from "../../storage/row_block.ts";

/**
 * What a snapshot leaves of the disk: the log can be cut and takes sets as long
 * as its write-ahead log of 4 MiB can be moved into the file, which grows by as
 * much.
 */
export const RESERVED_BYTES = 16 * 1024 * 1024;

/**
 * @param folder A folder.
 * @returns How many bytes its disk has left; undefined if that is not told, or
 * without the permission to ask for it.
 */
export async function freeDiskBytes(
  folder: string,
): Promise<number | undefined> {
  try {
    // Not part of a start, which it would delay.
    const { statfs } = await import("node:fs/promises");
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/**
 * A snapshot that fills the disk would stop sets, and even what is written of it
 * could not be deleted.
 *
 * @param db The log's file.
 * @param rows What is to be written to it.
 * @param freeDiskBytes How many bytes the disk has left; undefined if that is
 * not known.
 * @throws {Error} If there is no room for them beside that of the sets.
 */
export async function checkRoom(
  db: DatabaseSync,
  { keys, keyEnds, numbers }: RowBlock,
  freeDiskBytes: () => Promise<number | undefined>,
): Promise<void> {
  const free_bytes = await freeDiskBytes() ?? Infinity;
  const rows_bytes = keys.byteLength + keyEnds.byteLength + numbers.byteLength;
  if (free_bytes >= RESERVED_BYTES + rows_bytes) return;
  // Its last pages may be part used, and its index needs some.
  if (freeFileBytes(db) >= 2 * rows_bytes) return;
  throw new Error(
    `the disk of the log has ${free_bytes} bytes left, and ${RESERVED_BYTES} are kept for sets: make room`,
  );
}

/** How many bytes of a file are free for what is written next. */
function freeFileBytes(db: DatabaseSync): number {
  const { freelist_count } = db.prepare("PRAGMA freelist_count").get()!;
  const { page_size } = db.prepare("PRAGMA page_size").get()!;
  return Number(freelist_count) * Number(page_size);
}
