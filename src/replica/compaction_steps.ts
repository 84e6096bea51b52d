/**
 * Doing what compaction has decided, with a log line for each step.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { SnapshotDamagedError } from "../snapshot/snapshot.ts";
import type { StoredSnapshot } from "../snapshot/store.ts";
import type { KnownSnapshot, WorkStep } from "./compaction_facts.ts";
import type { CompactionCalls } from "./compaction_calls.ts";
import { fitOf } from "./compaction_look.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** What came of a step. */
export type StepOutcome =
  | {
    readonly type: "written";
    readonly snapshot: StoredSnapshot;
    readonly took_ms: number;
  }
  | { readonly type: "verified"; readonly snapshot: StoredSnapshot }
  /** Another replica has deleted it meanwhile. */
  | { readonly type: "gone"; readonly id: string }
  | { readonly type: "deleted" }
  | { readonly type: "trimmed" }
  /** The snapshot is not of this log: nothing was cut. */
  | { readonly type: "misfit"; readonly id: string };

/** What the steps work on. */
export interface StepContext {
  /** Names the store in log lines. */
  readonly name: string;
  /** The log's identity. */
  readonly logId: string;
  /** @returns How many bytes of log came after a sequence. */
  logBytesSince(sequence: number): number;
  now(): number;
}

/**
 * @param step What is to be done.
 * @param calls The store and the log.
 * @param context What it is done for.
 * @throws {SnapshotDamagedError} If the snapshot that was read back is damaged;
 * it is deleted then.
 * @throws {Error} Whatever else keeps it from being done.
 */
export async function perform(
  step: WorkStep,
  calls: CompactionCalls,
  context: StepContext,
): Promise<StepOutcome> {
  switch (step.type) {
    case "write":
      return await write(step.reason, calls, context);
    case "verify":
      return await verify(step.snapshot, calls, context);
    case "delete":
      await calls.delete(step.snapshot.id);
      logger.debug("Snapshot at sequence {sequence} deleted from {place}", {
        sequence: step.snapshot.info.sequence,
        place: context.name,
      });
      return { type: "deleted" };
    case "trim":
      return await trim(step, calls, context);
  }
}

async function write(
  reason: string,
  calls: CompactionCalls,
  { name, now }: StepContext,
): Promise<StepOutcome> {
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

async function verify(
  { id, info }: KnownSnapshot,
  calls: CompactionCalls,
  { name, now }: StepContext,
): Promise<StepOutcome> {
  const began_ms = now();
  try {
    const snapshot = await calls.verify(id);
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

async function trim(
  { older, newer }: Extract<WorkStep, { type: "trim" }>,
  calls: CompactionCalls,
  { name, logId, logBytesSince }: StepContext,
): Promise<StepOutcome> {
  const { sequence } = older.info;
  let from = 0;
  for (const { id, info } of [newer, older]) {
    const location = await calls.locate(info.sequence);
    from = location.firstSequence;
    // Another replica has cut it further.
    if (from > sequence) return { type: "trimmed" };
    const fit = fitOf(info, logId, location);
    if (fit.type === "fits" && fit.isProven) continue;
    logger.error(
      "The log is not cut: the snapshot at sequence {sequence} in {place} is not of it: {reason}",
      {
        sequence: info.sequence,
        place: name,
        reason: fit.type === "misfit"
          ? fit.reason
          : fit.type === "beyond"
          ? `the log ends at ${location.lastSequence}`
          : `the log has no entry ${info.sequence}`,
      },
    );
    return { type: "misfit", id };
  }
  const bytes = logBytesSince(from - 1) - logBytesSince(sequence - 1);
  await calls.trim(sequence);
  logger.info(
    "The log is cut: it began at {from} and begins at {to}, {bytes} bytes less; snapshots at {older} and {newer} in {place} stand in for it",
    {
      from,
      to: sequence,
      bytes,
      older: sequence,
      newer: newer.info.sequence,
      place: name,
    },
  );
  return { type: "trimmed" };
}
