/**
 * Letting an embedded log begin with a state.
 *
 * @module
 */
import type { LogClient } from "./log/thread/log_client.ts";
import { liveSnapshot } from "./snapshot/live_snapshot.ts";
import type { FileState } from "./snapshot/state_file.ts";
import { saveSnapshot, type SnapshotStore } from "./snapshot/store.ts";

/**
 * Keeps a state as the first snapshot of a log that has had no entry, and lets
 * the log begin after it. If the process ends meanwhile, the next start finds
 * either nothing, or all of it.
 *
 * @param state The state.
 * @param log The log, of the state's identity.
 * @param store Where the log keeps its snapshots.
 * @param signal Aborts it.
 * @throws {SnapshotStoreError} If the state can't be kept.
 */
export async function keepState(
  { storage, info }: FileState,
  log: LogClient,
  store: SnapshotStore,
  signal: AbortSignal,
): Promise<void> {
  using snapshot = liveSnapshot(info, storage.snapshot());
  const { id } = await saveSnapshot(snapshot, store);
  await store.verify(id, signal);
  await log.healing.moveTo(info);
}
