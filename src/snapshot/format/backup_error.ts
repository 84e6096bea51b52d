/** A backup, or a file to import, is not what it must be. */
export class BackupError extends Error {
  override name = "BackupError";
}
