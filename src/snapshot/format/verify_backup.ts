/**
 * Whether a backup has what its header says.
 *
 * @module
 */
import { RowCheck, rowFault } from "../row_check.ts";
import { BackupError } from "./backup_error.ts";
import { type BackupInfo, parseBackupInfo } from "./backup_info.ts";
import { readBackup } from "./read_backup.ts";

/**
 * Reads a backup to its end, as a restore does, in constant memory.
 *
 * @param stream The file.
 * @param onProgress Told how many rows were read, of how many.
 * @returns What it says of itself, which is verified.
 * @throws {BackupError} If the file is damaged or cut short, a row is not valid,
 * or the rows or their digest differ from what it says; and whatever the stream
 * throws.
 */
export async function verifyBackup(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onProgress: (rows: number, total: number) => void,
): Promise<BackupInfo> {
  const { header, rows: blocks } = await readBackup(stream);
  const info = parseBackupInfo(header);
  const check = new RowCheck();
  for await (const block of blocks) {
    check.add(block);
    onProgress(check.rows, info.rows);
  }
  const fault = rowFault(check.found, info);
  if (fault !== undefined) {
    throw new BackupError(`Cannot verify the backup: ${fault}`);
  }
  return info;
}
