/**
 * What no step of healing may break, whatever led to it. It does no I/O, and
 * shares nothing with the decisions but the facts.
 *
 * @module
 */
import type { HealPoint } from "../log/healable_log.ts";
import {
  GONE_AFTER_MS,
  type HealingFacts,
  type HealingSnapshot,
  type HealingWork,
  type OtherReplica,
} from "./healing_facts.ts";
import { compareSeams, originOf } from "./seams.ts";
import type { HealPointsData } from "../snapshot/snapshot.ts";

/** A step that would break what healing promises. */
export class HealingError extends Error {
  override name = "HealingError";
}

function mustHold(holds: boolean, rule: string): void {
  if (!holds) throw new HealingError(`Cannot heal the log: ${rule}`);
}

/**
 * @param step A step.
 * @param facts What it was decided from.
 * @throws {HealingError} If it could lose a set, or mix two histories.
 */
export function checkHealing(step: HealingWork, facts: HealingFacts): void {
  const { own, loss } = facts;
  mustHold(
    !own.isForked && !own.isDiverged && own.isWhole,
    "only a replica with a whole, undisputed state heals",
  );
  mustHold(
    loss.type !== "other_log" && loss.problem === undefined &&
      facts.problem === undefined && facts.isPresenceOn,
    "this log, or this replica, can't",
  );
  switch (step.type) {
    case "write":
      return mustHold(
        isOwn(step.point, facts),
        "a replica writes no other state than its own",
      );
    case "verify":
      return mustHold(
        step.snapshot.info.logId === own.logId,
        "only snapshots of this log are read back",
      );
    case "restore":
      return checkRestore(step.snapshot, facts);
    case "remake":
      mustHold(loss.type === "gone", "a log that is there is not made again");
      checkStored(facts);
      return checkPatience(facts);
    case "fence":
      return checkFence(step.point, step.after, facts);
    case "move":
      return mustHold(
        loss.type === "fenced" && isSame(loss.fence, step.point) &&
          own.appliedSequence <= step.point.sequence &&
          isKept(step.point, facts),
        "a log is moved only to its fence's heal point, whose snapshot was read back",
      );
    case "mark":
      return mustHold(
        loss.type === "unmarked" && isOwn(step.point, facts) &&
          loss.lastSequence === own.appliedSequence &&
          loss.firstSequence === own.appliedSequence + 1 &&
          facts.awaited.length === 0 &&
          !facts.others.some((other) => hasMore(other, facts)),
        "a mark follows the fullest state, which is that of the replica that writes it, and nothing else",
      );
  }
}

function checkRestore(
  { info, isVerified, isUnreadable }: HealingSnapshot,
  facts: HealingFacts,
): void {
  const { own, loss } = facts;
  const { count = 0, points = [] } = info.heals ?? {};
  mustHold(
    isVerified && !isUnreadable && info.logId === own.logId &&
      info.sequence > own.appliedSequence &&
      (info.time ?? "") >= (own.time ?? "") &&
      (loss.type === "gone" || loss.type === "tail" ||
        loss.type === "unmarked"),
    "only a fuller snapshot that was read back is restored",
  );
  mustHold(
    count >= own.heals.count &&
      points.every(({ sequence }) =>
        sequence >= own.appliedSequence ||
        sequence < (own.heals.points.at(0)?.sequence ?? 0) ||
        own.heals.points.some((known) => known.sequence === sequence)
      ),
    "a snapshot of another history is not restored",
  );
  checkPatience(facts);
}

function checkFence(
  point: HealPoint,
  after: number,
  facts: HealingFacts,
): void {
  const { loss, others } = facts;
  mustHold(
    loss.type === "tail" && loss.fence === undefined,
    "a fence is written where entries are lost, and never over another fence",
  );
  mustHold(
    isOwn(point, facts) && after === loss.lastSequence &&
      after < point.sequence && isKept(point, facts),
    "a fence names the state of its writer, whose snapshot was read back, and follows the log's last entry",
  );
  const rival = others.find((other) => isRival(other, facts));
  mustHold(
    rival === undefined,
    `replica ${rival?.id} may have more than this one`,
  );
  const { seams } = facts.own;
  mustHold(
    others.every((other) =>
      !isFollowing(other, facts) ||
      compareSeams(
          { sequence: point.sequence, seams },
          originOf({ sequence: other.appliedSequence, seams: other.seams }),
        ) !== "other"
    ),
    "no log is healed while two histories are there",
  );
  checkStored(facts);
  checkPatience(facts);
}

/** Sets of another history may be stored that nobody has any more. */
function checkStored({ own, snapshots }: HealingFacts): void {
  const { appliedSequence: sequence, seams } = own;
  const readable = snapshots.filter(({ isUnreadable }) => !isUnreadable);
  mustHold(
    readable.every(({ info }) =>
      (info.time ?? "") <= (own.time ?? "") ||
      compareSeams({ sequence, seams }, originOf(info)) !== "other"
    ),
    "no log is healed while a newer snapshot of another history is stored",
  );
  mustHold(
    readable.every(({ info }) => !isHealedOtherwise(info, own)),
    "no log is healed while a snapshot is stored that went on from another heal point",
  );
}

/** Whether a state of this generation, or a newer one, was healed elsewhere. */
function isHealedOtherwise(
  { heals, time }: HealingSnapshot["info"],
  { appliedSequence, heals: own, time: ownTime }: HealingFacts["own"],
): boolean {
  if (heals === undefined || heals.count < own.count) return false;
  const lacks = (
    { count, points }: HealPointsData,
    { sequence, digest }: HealPoint,
  ) =>
    !points.some((one) => one.sequence === sequence && one.digest === digest) &&
    (count === points.length || sequence >= (points.at(0)?.sequence ?? 0));
  const { last } = own;
  return heals.points.some((one) =>
    one.sequence < appliedSequence && lacks(own, one)
  ) ||
    last !== undefined && (time ?? "") > (ownTime ?? "") && lacks(heals, last);
}

/** Whether another replica has, or may have, what this one does not. */
function isRival(other: OtherReplica, facts: HealingFacts): boolean {
  const { state, lastSequence } = other;
  return isFollowing(other, facts) && state === "ready" &&
      lastSequence >= facts.own.appliedSequence ||
    hasMore(other, facts);
}

/** Whether another replica lives and follows this log. */
function isFollowing(
  { logId, state, heardAgo_ms }: OtherReplica,
  { own }: HealingFacts,
): boolean {
  return logId === own.logId && state !== "forked" &&
    heardAgo_ms <= GONE_AFTER_MS;
}

/** Whether another replica has what this one does not. */
function hasMore(other: OtherReplica, facts: HealingFacts): boolean {
  if (!isFollowing(other, facts)) return false;
  const { own } = facts;
  const { appliedSequence, digest } = other;
  const { heals, healedTo } = other;
  const { count, last } = own.heals;
  if (heals !== undefined && heals !== count) return heals > count;
  if (heals === undefined && healedTo !== null) {
    const healed = last?.sequence ?? 0;
    if (healedTo !== healed) return healedTo > healed;
  }
  return appliedSequence > own.appliedSequence ||
    appliedSequence === own.appliedSequence && digest !== own.digest;
}

function checkPatience(
  { awaited, isOrdered, now_ms, lossSince_ms, healAfter_ms }: HealingFacts,
): void {
  mustHold(
    awaited.length === 0 &&
      (isOrdered || healAfter_ms > 0 && now_ms - lossSince_ms >= healAfter_ms),
    "a fuller replica may still come",
  );
}

function isOwn(point: HealPoint, { own }: HealingFacts): boolean {
  return point.sequence === own.appliedSequence && point.digest === own.digest;
}

function isSame(a: HealPoint | undefined, b: HealPoint): boolean {
  return a?.sequence === b.sequence && a.digest === b.digest;
}

/** Whether the state at a heal point is in the store and was read back. */
function isKept(
  { sequence, digest }: HealPoint,
  { own, snapshots }: HealingFacts,
): boolean {
  return snapshots.some(({ info, isVerified, isUnreadable }) =>
    isVerified && !isUnreadable && info.logId === own.logId &&
    info.sequence === sequence && info.digest === digest
  );
}
