/**
 * What no step of compaction may break, whatever led to it. It does no I/O.
 *
 * @module
 */
import {
  type CompactionFacts,
  verifiedOf,
  type WorkStep,
} from "./compaction_facts.ts";

/** A step that would break what compaction promises. */
export class CompactionError extends Error {
  override name = "CompactionError";
}

function mustHold(holds: boolean, rule: string): void {
  if (!holds) throw new CompactionError(`Cannot compact the log: ${rule}`);
}

/**
 * @param step A step.
 * @param facts What it was decided from.
 * @throws {CompactionError} If it could lose a state.
 */
export function checkStep(step: WorkStep, facts: CompactionFacts): void {
  const { snapshots, lastSequence, place } = facts;
  switch (step.type) {
    case "write":
      return;
    case "verify":
      return mustHold(
        step.snapshot.isOfThisLog,
        "only snapshots of this log are read back",
      );
    case "delete": {
      const index = snapshots.indexOf(step.snapshot);
      const newer = verifiedOf(snapshots.slice(0, index));
      return mustHold(
        step.snapshot.isOfThisLog && newer.length >= place.kept &&
          (place.kept === 1 || newer[1].isReadAgain),
        "a snapshot is deleted only once newer ones were read back, the second newest again",
      );
    }
    case "trim": {
      const [newer, older] = verifiedOf(snapshots);
      const { sequence } = step.older.info;
      return mustHold(
        place.trims && facts.cutProblem === undefined && step.newer === newer &&
          step.older === older &&
          older.isReadAgain &&
          sequence > 1 && sequence <= newer.info.sequence &&
          newer.info.sequence <= lastSequence,
        "the log is cut only behind two snapshots that were read back",
      );
    }
  }
}
