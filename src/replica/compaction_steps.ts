/**
 * Doing what compaction has decided, with a log line for each step.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { WorkStep } from "./compaction_facts.ts";
import type { CompactionCalls } from "./compaction_calls.ts";
import { fitOf } from "./compaction_look.ts";
import {
  type SnapshotContext,
  type SnapshotOutcome,
  verifySnapshot,
  writeSnapshot,
} from "./snapshot_steps.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** What came of a step. */
export type StepOutcome =
  | SnapshotOutcome
  | { readonly type: "deleted" }
  | { readonly type: "trimmed" }
  /** The snapshot is not of this log: nothing was cut. */
  | { readonly type: "misfit"; readonly id: string };

/** What the steps work on. */
export interface StepContext extends SnapshotContext {
  /** The log's identity. */
  readonly logId: string;
  /** @returns How many bytes of log came after a sequence. */
  logBytesSince(sequence: number): number;
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
      return await writeSnapshot(step.reason, calls, context);
    case "verify":
      return await verifySnapshot(step.snapshot, calls, context);
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
