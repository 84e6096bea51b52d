/**
 * How replicas make a log whole that has lost entries, or is gone. It does no
 * I/O: facts and the time in, the next step out.
 *
 * The fullest state, at sequence S, is kept as a snapshot. A fence, written
 * directly after what is left of the log, says S: it is the commit point, since
 * only one can be written there. Then the log is moved to begin at S + 1, and
 * the mark, its first entry, says S once more, for those who come late. Whoever
 * dies at any step, another replica goes on with it; a step that is repeated
 * changes nothing.
 *
 * @module
 */
import {
  forkByFence,
  forkByMove,
  forkByOthers,
  forkBySnapshot,
} from "./fork.ts";
import { HealPoints } from "./heal_points.ts";
import { checkHealing } from "./healing_check.ts";
import {
  type HealingFacts,
  type HealingSnapshot,
  type HealingStep,
  isAt,
  type NoHealing,
  pointOf,
} from "./healing_facts.ts";
import {
  companions,
  conflict,
  dueAt_ms,
  fullerSnapshot,
  isFuller,
  isSilent,
  otherHistory,
  rankAmongEquals,
  whoGoesFirst,
} from "./healing_rivals.ts";
import type { HealPoint } from "../log/healable_log.ts";

/** How long the replica before has to finish what any of them may do. */
export const FINISH_AFTER_MS = 3_000;

/** @returns The next step. */
export function healingStep(facts: HealingFacts): HealingStep {
  const step = decide(facts);
  if (step.type !== "none") checkHealing(step, facts);
  return step;
}

/**
 * @returns Why the log goes on from another state than this replica's;
 * undefined if nothing shows that.
 */
export function healingFork(facts: HealingFacts): string | undefined {
  const { own, loss, snapshots } = facts;
  if (loss.type === "fenced" && loss.fence !== undefined) {
    const reason = forkByFence(own, loss.fence);
    if (reason !== undefined) return reason;
  }
  const byOthers = forkByOthers(own, companions(facts));
  if (byOthers !== undefined) return byOthers;
  const place = { sequence: own.appliedSequence, time: own.time };
  for (const { info, isVerified } of snapshots) {
    const heals = HealPoints.from(info.heals);
    if (!isVerified || heals.count < own.heals.count) continue;
    const reason = forkBySnapshot(own, heals) ??
      (isMovedTo(info.sequence, loss) ? forkByMove(place, info) : undefined);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Whether the log is empty, and was moved to begin after an entry. */
function isMovedTo(
  sequence: number,
  { type, firstSequence, lastSequence }: HealingFacts["loss"],
): boolean {
  return type === "tail" && firstSequence === lastSequence + 1 &&
    lastSequence === sequence;
}

function decide(facts: HealingFacts): HealingStep {
  const { own, loss } = facts;
  const off = whyOff(facts);
  if (off !== undefined) return none("off", off);
  const fork = healingFork(facts);
  if (fork !== undefined) return none("problem", fork);
  if (own.isDiverged) {
    return none(
      "problem",
      "this replica and another one have different records, and nobody can tell which is right: save both backups, and stop the wrong one",
    );
  }
  if (!own.isWhole) return none("wait", "this replica has no whole state");
  switch (loss.type) {
    case "gone":
    case "tail":
      return healLost(facts);
    case "fenced":
      return finishFence(facts);
    case "unmarked":
      return finishMark(facts);
    case "other_log":
      return none("off", loss.reason);
  }
}

function whyOff(
  { own, loss, healAfter_ms, isOrdered, isPresenceOn, problem }: HealingFacts,
): string | undefined {
  if (own.isForked) return "this replica is forked";
  if (loss.type === "other_log") return loss.reason;
  if (healAfter_ms === 0 && !isOrdered) return "HEAL_AFTER_MS is 0";
  if (loss.problem !== undefined) return loss.problem;
  if (!isPresenceOn) {
    return "replicas do not hear each other, so a fuller one would be missed: give the NATS user its permissions for heartbeats";
  }
  return problem;
}

/** What is lost is made whole from the fullest state. */
function healLost(facts: HealingFacts): HealingStep {
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

function waitingForFuller({ healAfter_ms }: HealingFacts): NoHealing {
  return none(
    "wait",
    `replicas that may have applied more have ${healAfter_ms} ms to be heard (HEAL_AFTER_MS)`,
  );
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

/** What is needed until a heal point has a snapshot that was read back. */
function wantedSnapshot(
  { snapshots }: HealingFacts,
  point: HealPoint,
): HealingStep | undefined {
  const candidates = snapshots.filter((one) =>
    isAt(one, point) && !one.isUnreadable
  );
  const [best = candidates.at(0)] = candidates.filter((one) => one.isVerified);
  return best === undefined ? { type: "write", point } : wantedRead(best);
}

function wantedRead(snapshot: HealingSnapshot): HealingStep | undefined {
  return snapshot.isVerified ? undefined : { type: "verify", snapshot };
}

/** A fence stands in the log: anyone finishes what it says. */
function finishFence(facts: HealingFacts): HealingStep {
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
function finishMark(facts: HealingFacts): HealingStep {
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

function twoHistories(
  { id, appliedSequence }: HealingFacts["own"],
  { info }: HealingSnapshot,
): NoHealing {
  return none(
    "problem",
    `replica ${id} at entry ${appliedSequence} and the snapshot at entry ${info.sequence} have two histories, and nobody can tell which is right: save the snapshot and the replica's backup, and delete the snapshot or stop the replica`,
  );
}

function awaiting(ids: readonly string[]): NoHealing {
  return none(
    "wait",
    `waiting for ${ids.join(", ")}, which may have applied more`,
  );
}

function none(why: NoHealing["why"], reason: string): NoHealing {
  return { type: "none", why, reason };
}
