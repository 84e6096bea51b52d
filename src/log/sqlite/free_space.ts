/**
 * How much room there is for the embedded log's file.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";

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

/** @returns How many bytes of a file are free for what is written next. */
export function freeFileBytes(db: DatabaseSync): number {
  const { freelist_count } = db.prepare("PRAGMA freelist_count").get()!;
  const { page_size } = db.prepare("PRAGMA page_size").get()!;
  return Number(freelist_count) * Number(page_size);
}
