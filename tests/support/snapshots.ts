/**
 * Snapshots for tests.
 *
 * @module
 */
import { liveSnapshot } from "../../src/snapshot/live_snapshot.ts";
import { restore } from "../../src/snapshot/restore.ts";
import type { Snapshot, SnapshotInfo } from "../../src/snapshot/snapshot.ts";
import type { Storage } from "../../src/storage/storage.ts";

/** The log of the snapshots made here. */
export const LOG_ID = "8f14e45fceea167a";

/**
 * @param storage What it is of.
 * @param lies What it says of itself instead of the truth.
 * @returns A snapshot at sequence 120.
 */
export function snapshotOf(
  storage: Storage,
  lies: Partial<SnapshotInfo> = {},
): Snapshot {
  const snapshot = liveSnapshot({
    logId: LOG_ID,
    sequence: 120,
    time: "2026-11-23T22:49:59.123456789Z",
  }, storage.snapshot());
  return { ...snapshot, info: { ...snapshot.info, ...lies } };
}

/** Restores a snapshot and disposes of it. */
export async function restoreAll(snapshot: Snapshot): Promise<Storage> {
  using disposed = snapshot;
  return await restore(disposed, { progress: () => {} });
}
