/**
 * Doing what healing has decided, with a log line for each step.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { HealingCalls } from "./healing_calls.ts";
import type { HealingSnapshot, HealingWork } from "./healing_facts.ts";
import {
  giveUpUnlisted,
  type SnapshotContext,
  verifySnapshot,
  writeSnapshot,
} from "./snapshot_steps.ts";

const logger = getLogger(["usergrade", "healing"]);

/** What the steps are done for. */
export interface HealingContext extends SnapshotContext {
  readonly replicaId: string;
  /** Goes on from a snapshot that is fuller than this replica's state. */
  restore(snapshot: HealingSnapshot): Promise<void>;
}

/**
 * @param step What is to be done.
 * @param calls The store and the log.
 * @param context What it is done for.
 * @throws {LogMovedError} If others have written to the log meanwhile.
 * @throws {Error} Whatever else keeps it from being done.
 */
export async function performHealing(
  step: HealingWork,
  calls: HealingCalls,
  context: HealingContext,
): Promise<void> {
  switch (step.type) {
    case "write":
      return await writeListed(calls, context);
    case "verify":
      await verifySnapshot(step.snapshot, calls, context);
      return;
    case "restore":
      return await context.restore(step.snapshot);
    case "remake":
      await calls.remake();
      return logger.warn("The log was gone, and is made again, empty");
    case "fence": {
      const { point: { sequence, digest }, after } = step;
      await calls.fence(step.point, after);
      return logger.warn(
        "The log is being healed to entry {sequence} (digest {digest}): the fence is entry {fence}, and whatever else comes up to {sequence} is void",
        { sequence, digest, fence: after + 1 },
      );
    }
    case "move": {
      const { sequence } = step.point;
      await calls.moveTo(step.point);
      return logger.warn("The log begins with entry {first} from now on", {
        first: sequence + 1,
      });
    }
    case "mark": {
      const { sequence } = step.point;
      await calls.fence(step.point, sequence);
      return logger.warn(
        "The log is healed to entry {sequence} and goes on after it; replica {replica_id} has finished it",
        { sequence, replica_id: context.replicaId },
      );
    }
  }
}

/** Writes a snapshot, and makes sure that the next look will find it. */
async function writeListed(
  calls: HealingCalls,
  context: HealingContext,
): Promise<void> {
  const reason = "the log has to be healed";
  const outcome = await writeSnapshot(reason, calls, context);
  if (outcome.type !== "written") return;
  const { id } = outcome.snapshot;
  const listed = await calls.list();
  if (!listed.some((one) => one.id === id)) await giveUpUnlisted(id, calls);
}

/** @returns A step that is under way in a few words, for the probes. */
export function describe(step: HealingWork): string {
  switch (step.type) {
    case "write":
      return `a snapshot at entry ${step.point.sequence} is being written`;
    case "verify":
      return `the snapshot at entry ${step.snapshot.info.sequence} is being read back`;
    case "restore":
      return `the snapshot at entry ${step.snapshot.info.sequence} is being restored`;
    case "remake":
      return "the log is being made again";
    case "fence":
    case "move":
    case "mark":
      return `the log is being healed to entry ${step.point.sequence}`;
  }
}
