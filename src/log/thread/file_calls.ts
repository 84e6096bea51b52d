/**
 * The calls by which the main thread uses the files that the log's worker
 * keeps: snapshots in the broker.
 *
 * @module
 */
import type { PlacedFile } from "../../snapshot/file_place.ts";
import type { BackupInfo } from "../../snapshot/format/backup_info.ts";
import type { HandedOver } from "./calls.ts";

/** Bytes with a buffer of their own. */
type Bytes = Uint8Array<ArrayBuffer>;

/** What the main thread calls. Readers and writers have numbers. */
export type FileCalls = {
  listFiles(argument: undefined): Promise<PlacedFile[]>;
  markFileVerified(id: string): Promise<void>;
  deleteFile(id: string): Promise<void>;

  openFile(id: string): Promise<number>;
  /** The next bytes; undefined at the end, which closes the reader. */
  readFile(reader: number): Promise<HandedOver<Bytes> | undefined>;
  closeFile(reader: number): void;

  createFile(info: BackupInfo): Promise<number>;
  writeFile(argument: { writer: number; bytes: Bytes }): Promise<void>;
  commitFile(writer: number): Promise<PlacedFile>;
  abortFile(writer: number): Promise<void>;
};
