/**
 * The end of a healing that the log shows, whoever has begun it: the log is
 * moved behind the fence's heal point, and gets its mark. It does no I/O.
 *
 * @module
 */
import type { HealPoint } from "../log/healable_log.ts";
import {
  type HealingFacts,
  type HealingSnapshot,
  type HealingStep,
  pointOf,
} from "./healing_facts.ts";
import {
  awaiting,
  none,
  waitingForFuller,
  wantedRead,
  wantedSnapshot,
} from "./healing_needs.ts";
import {
  companions,
  conflict,
  dueAt_ms,
  isFuller,
  isSilent,
  rankAmongEquals,
} from "./healing_rivals.ts";
import { fullerSnapshot } from "./healing_snapshots.ts";

/** How long the replica before has to finish what any of them may do. */
export const FINISH_AFTER_MS = 3_000;

/** A fence stands in the log: anyone finishes what it says. */
export function finishFence(facts: HealingFacts): HealingStep {
  const { own, loss, now_ms, fenceSince_ms } = facts;
  const point = loss.fence!;
  if (own.appliedSequence > point.sequence) {
    return none("wait", "the fence is of a healing that is over");
  }
  const isThere = own.appliedSequence === point.sequence;
  const before = finishers(facts, point);
  if (now_ms - fenceSince_ms < before * FINISH_AFTER_MS) {
    return none("wait", "another replica finishes the healing");
  }
  const step = wantedSnapshot(facts, point);
  const { sequence, digest } = point;
  if (step === undefined) return { type: "move", point: { sequence, digest } };
  if (step.type === "verify" || isThere) return step;
  return none(
    "problem",
    `the log was to be healed to entry ${sequence}, and neither a snapshot nor a replica that is heard has the state there: start a replica that has it, or put the bucket back; if nobody has it, remove the stream: the replicas make it again from the fullest of them`,
  );
}

/** How many replicas come before this one in finishing a fence. */
function finishers(
  { own, others }: HealingFacts,
  { sequence, digest }: HealPoint,
): number {
  const isThere = (one: { appliedSequence: number; digest: string }) =>
    one.appliedSequence === sequence && one.digest === digest;
  const ownIsThere = isThere(own);
  return companions({ own, others }).filter((other) =>
    other.heals !== undefined && !isSilent(other) &&
    (isThere(other) === ownIsThere ? other.id < own.id : isThere(other))
  ).length;
}

/** The log begins after the heal point, and its first entry is missing. */
export function finishMark(facts: HealingFacts): HealingStep {
  const { own, loss, awaited, now_ms, fenceSince_ms } = facts;
  const { firstSequence, lastSequence } = loss;
  if (
    own.appliedSequence !== lastSequence || firstSequence !== lastSequence + 1
  ) return none("wait", "the log has moved meanwhile");
  const difference = conflict(facts);
  if (difference !== undefined) return none("problem", difference);
  // It came after the fence, or has applied a mark that the log has lost again.
  // Nobody has written anything since: no one's entries are lost if it heals
  // the log once more.
  const late = companions(facts).find((other) => isFuller(other, own));
  if (late !== undefined) {
    return none(
      late.heals === undefined ? "problem" : "wait",
      `replica ${late.id} has applied entry ${late.appliedSequence}, so it heals the log`,
    );
  }
  if (awaited.length > 0) return awaiting(awaited);
  const fuller = fullerSnapshot(facts);
  if (fuller !== undefined) return restoring(facts, fuller);
  return now_ms - fenceSince_ms < rankAmongEquals(facts) * FINISH_AFTER_MS
    ? none("wait", "another replica finishes the healing")
    : { type: "mark", point: pointOf(own) };
}

/** All that had a snapshot's state may be gone: it is gone on from, in time. */
function restoring(
  facts: HealingFacts,
  snapshot: HealingSnapshot,
): HealingStep {
  return wantedRead(snapshot) ??
    (facts.now_ms < dueAt_ms(facts)
      ? waitingForFuller(facts)
      : { type: "restore", snapshot });
}
