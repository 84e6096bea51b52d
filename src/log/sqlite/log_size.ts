/**
 * How much of the disk the embedded log takes.
 *
 * @module
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { FILE_NAME } from "./sqlite_schema.ts";

/**
 * @param directory The folder of the log.
 * @returns The size of its file and of the write-ahead log, in bytes; 0 for what
 * is not there.
 */
export function logFilesBytes(directory: string): number {
  const path = join(directory, FILE_NAME);
  return size(path) + size(`${path}-wal`);
}

function size(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
