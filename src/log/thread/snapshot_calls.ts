/**
 * The calls by which the main thread uses the log's snapshot store, which lives
 * in the worker with the log.
 *
 * @module
 */
import type { SnapshotInfo } from "../../snapshot/snapshot.ts";
import type { StoredSnapshot } from "../../snapshot/store.ts";
import type { RowBlock } from "../../storage/row_block.ts";
import type { HandedOver } from "./calls.ts";

/** What the main thread calls. Readers, verifications and writers have
 * numbers. */
export type SnapshotCalls = {
  listSnapshots(argument: undefined): Promise<StoredSnapshot[]>;
  deleteSnapshot(id: string): Promise<void>;

  openSnapshot(id: string): Promise<{ reader: number; info: SnapshotInfo }>;
  /** The next rows; undefined at the end, which closes the reader. */
  readSnapshot(reader: number): Promise<HandedOver<RowBlock> | undefined>;
  closeSnapshot(reader: number): void;

  /** Begins to read one back. */
  beginVerification(id: string): number;
  /** Waits until it was read back, which ends the verification. */
  verified(verification: number): Promise<StoredSnapshot>;
  abortVerification(verification: number): void;

  createSnapshot(info: SnapshotInfo): Promise<number>;
  writeSnapshot(argument: { writer: number; rows: RowBlock }): Promise<void>;
  commitSnapshot(writer: number): Promise<StoredSnapshot>;
  abortSnapshot(writer: number): Promise<void>;
};
