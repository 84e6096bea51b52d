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
import { healLost } from "./healing_begin.ts";
import { checkHealing } from "./healing_check.ts";
import type { HealingFacts, HealingStep } from "./healing_facts.ts";
import { finishFence, finishMark } from "./healing_finish.ts";
import { none } from "./healing_needs.ts";
import { companions } from "./healing_rivals.ts";

/** Why a stream that is another log is left alone, and what to do. */
const OTHER_LOG =
  "repair NATS or NATS_URL; or, if nobody needs that stream, remove it (nats stream rm): replicas that run then make the log again";

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
      return none("off", OTHER_LOG);
  }
}

function whyOff(
  { own, loss, healAfter_ms, isOrdered, isPresenceOn, problem }: HealingFacts,
): string | undefined {
  if (own.isForked) return "this replica is forked";
  if (loss.type === "other_log") return OTHER_LOG;
  if (healAfter_ms === 0 && !isOrdered) return "HEAL_AFTER_MS is 0";
  if (loss.problem !== undefined) return loss.problem;
  if (!isPresenceOn) {
    return "replicas do not hear each other, so a fuller one would be missed: give the NATS user its permissions for heartbeats";
  }
  return problem;
}
