/**
 * Whether a backup holds what it says of itself.
 *
 * @module
 */
import { Digest } from "../../storage/digest.ts";
import type { RowBlock } from "../../storage/row_block.ts";
import { USER_ID_BYTES_MAX } from "../../user_grade.ts";
import { BackupError } from "./backup_error.ts";
import { type BackupInfo, parseBackupInfo } from "./backup_info.ts";
import { readBackup } from "./read_backup.ts";

/**
 * Reads a backup to its end, as a restore does, in constant memory.
 *
 * @param stream The file.
 * @param onProgress Told how many rows were read, of how many.
 * @returns What it says of itself, which is so.
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
  const digest = new Digest();
  let rows = 0;
  for await (const block of blocks) {
    addRows(digest, block);
    rows += block.count;
    onProgress(rows, info.rows);
  }
  if (rows !== info.rows) {
    throw new BackupError(
      `Cannot verify the backup: it has ${rows} rows and says ${info.rows}`,
    );
  }
  if (info.digest !== undefined && info.digest !== digest.toString()) {
    throw new BackupError(
      `Cannot verify the backup: its rows have the digest ${digest} and it says ${info.digest}`,
    );
  }
  return info;
}

const words = new Int32Array(USER_ID_BYTES_MAX / 4);
const bytes = new Uint8Array(words.buffer);

function addRows(digest: Digest, block: RowBlock): void {
  const { count, keys, keyEnds, numbers } = block;
  let start = 0;
  for (let row = 0; row < count; row++) {
    const length = keyEnds[row] - start;
    // The last word is padded with zeros.
    words[(length - 1) >> 2] = 0;
    bytes.set(keys.subarray(start, keyEnds[row]));
    start = keyEnds[row];
    digest.selectKey(words, length);
    digest.add(
      numbers[4 * row],
      numbers[4 * row + 1],
      numbers[4 * row + 2],
      numbers[4 * row + 3],
    );
  }
}
