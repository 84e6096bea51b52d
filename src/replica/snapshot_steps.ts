/**
 * Writing a snapshot and reading it back, with a log line for each.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { SnapshotDamagedError } from "../snapshot/snapshot.ts";
import { SnapshotStoreError, type StoredSnapshot } from "../snapshot/store.ts";
import type { StoreCalls } from "./store_calls.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** Where a snapshot is, and the time. */
export interface SnapshotContext {
  /** Names the store in log lines. */
  readonly name: string;
  /** A clock that never goes back, in milliseconds. */
  now(): number;
}

/** What came of it. */
export type SnapshotOutcome =
  | {
    readonly type: "written";
    readonly snapshot: StoredSnapshot;
    readonly took_ms: number;
  }
  | { readonly type: "verified"; readonly snapshot: StoredSnapshot }
  /** Another replica has deleted it meanwhile. */
  | { readonly type: "gone"; readonly id: string };

/**
 * Writes the state as it is now.
 *
 * @param reason Why, for the log line.
 * @throws {Error} What keeps it from being done.
 */
export async function writeSnapshot(
  reason: string,
  calls: StoreCalls,
  { name, now }: SnapshotContext,
): Promise<SnapshotOutcome> {
  const began_ms = now();
  const snapshot = await calls.write();
  const took_ms = now() - began_ms;
  logger.info(
    "Snapshot at sequence {sequence} written to {place}: {rows} users, {bytes} bytes, {duration_ms} ms, since {reason}",
    {
      ...numbersOf(snapshot),
      place: name,
      duration_ms: Math.round(took_ms),
      reason,
    },
  );
  return { type: "written", snapshot, took_ms };
}

/**
 * Takes back a snapshot that is not listed after it was written: it never
 * counts, and without a wait it would be written again and again, and fill the
 * store.
 *
 * @throws {SnapshotStoreError} Why it does not count.
 */
export async function giveUpUnlisted(
  id: string,
  calls: StoreCalls,
): Promise<never> {
  await calls.delete(id);
  throw new SnapshotStoreError(
    `the snapshot that was written, ${id}, is not listed: too many objects are there, or another replica has deleted it`,
  );
}

/**
 * Reads a snapshot back.
 *
 * @throws {SnapshotDamagedError} If it is damaged; it is deleted then.
 * @throws {Error} Whatever else keeps it from being done.
 */
export async function verifySnapshot(
  written: Pick<StoredSnapshot, "id" | "info">,
  calls: StoreCalls,
  { name, now }: SnapshotContext,
): Promise<SnapshotOutcome> {
  const { id, info } = written;
  const began_ms = now();
  try {
    const snapshot = await calls.verify(written);
    logger.info(
      "Snapshot at sequence {sequence} read back from {place}: {rows} users, {bytes} bytes, {duration_ms} ms",
      {
        ...numbersOf(snapshot),
        place: name,
        duration_ms: Math.round(now() - began_ms),
      },
    );
    return { type: "verified", snapshot };
  } catch (error) {
    const stored = (await calls.list()).find((one) => one.id === id);
    if (stored === undefined) return { type: "gone", id };
    // If another replica found it whole, that one may count on it.
    if (error instanceof SnapshotDamagedError && !stored.isVerified) {
      logger.error(
        "Snapshot at sequence {sequence} in {place} is deleted: {reason}",
        { sequence: info.sequence, place: name, reason: error.message },
      );
      await calls.delete(id);
    }
    throw error;
  }
}

function numbersOf({ info, bytes }: StoredSnapshot) {
  return { sequence: info.sequence, rows: info.rows, bytes };
}
