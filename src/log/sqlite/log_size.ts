/**
 * How much of the disk the embedded log takes.
 *
 * @module
 */
import { join } from "node:path";
import { FILE_NAME } from "./sqlite_schema.ts";

/**
 * @param directory The folder of the log.
 * @returns The size of its file and of the write-ahead log, in bytes; 0 for what
 * is not there.
 */
export function logFilesBytes(directory: string): number {
  const path = join(directory, FILE_NAME);
  return (statOf(path)?.size ?? 0) + (statOf(`${path}-wal`)?.size ?? 0);
}

/** @returns What the system says of a file; undefined if it is not there. */
export function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    const isThere = !(error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory);
    if (isThere) throw error;
    return undefined;
  }
}
