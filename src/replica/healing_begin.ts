/**
 * The beginning of a healing: the fullest state is kept, and the log that is
 * gone is made again, or the fence written behind what is left of it. It does no
 * I/O.
 *
 * @module
 */
import {
  type HealingFacts,
  type HealingSnapshot,
  type HealingStep,
  type NoHealing,
  pointOf,
} from "./healing_facts.ts";
import {
  awaiting,
  none,
  waitingForFuller,
  wantedRead,
  wantedSnapshot,
} from "./healing_needs.ts";
import { companions, dueAt_ms, whoGoesFirst } from "./healing_rivals.ts";
import { fullerSnapshot, otherHistory } from "./healing_snapshots.ts";

/** What is lost is made whole from the fullest state. */
export function healLost(facts: HealingFacts): HealingStep {
  const { own, loss, awaited, now_ms } = facts;
  const { lastSequence } = loss;
  if (loss.type === "tail" && own.appliedSequence <= lastSequence) {
    return none("wait", "the log has what this replica has applied");
  }
  const hindrance = otherLog(facts) ?? whyDisputed(facts) ??
    whoGoesFirst(facts);
  if (hindrance !== undefined) return hindrance;
  const other = otherHistory(facts);
  if (other !== undefined) return wantedRead(other) ?? twoHistories(own, other);
  const fuller = fullerSnapshot(facts);
  const snapshot = fuller !== undefined
    ? wantedRead(fuller)
    : own.appliedSequence > 0
    ? wantedSnapshot(facts, pointOf(own))
    : undefined;
  if (snapshot !== undefined) return snapshot;
  if (awaited.length > 0) return awaiting(awaited);
  if (now_ms < dueAt_ms(facts)) return waitingForFuller(facts);
  if (fuller !== undefined) return { type: "restore", snapshot: fuller };
  return loss.type === "gone"
    ? { type: "remake" }
    : { type: "fence", point: pointOf(own), after: lastSequence };
}

/** An empty log does not come back in the place of one that had entries. */
function otherLog({ own, loss, others }: HealingFacts): NoHealing | undefined {
  if (loss.type !== "gone" || own.appliedSequence > 0) return undefined;
  const other = others.find(({ state, logId, appliedSequence }) =>
    // One that can't make its log again waits for an operator.
    state === "healing" && logId !== null && logId !== own.logId &&
    appliedSequence > 0
  );
  return other && none(
    "wait",
    `replica ${other.id} has applied entry ${other.appliedSequence} of log ${other.logId}, which has to be made again, and this replica has applied nothing: start this one anew if it does not follow that log then`,
  );
}

/** Servers of NATS may have yet to agree on the log's end. */
function whyDisputed(facts: HealingFacts): NoHealing | undefined {
  const { own } = facts;
  const other = companions(facts).find(({ state, lastSequence }) =>
    state === "ready" && lastSequence >= own.appliedSequence
  );
  return other && none(
    "wait",
    `replica ${other.id} follows the log up to entry ${other.lastSequence}: it is whole by now, or servers of NATS do not agree yet`,
  );
}

function twoHistories(
  { id, appliedSequence }: HealingFacts["own"],
  { info }: HealingSnapshot,
): NoHealing {
  return none(
    "problem",
    `replica ${id} at entry ${appliedSequence} and the snapshot at entry ${info.sequence} have two histories, and nobody can tell which is right: save the snapshot and the replica's backup, and delete the snapshot or stop the replica`,
  );
}
