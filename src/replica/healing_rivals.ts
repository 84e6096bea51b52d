/**
 * Which replica heals a log: the one whose state is the fullest. It does no I/O.
 *
 * A newer generation, the state with more heal points, is fuller than an older
 * one, whatever its sequence is: the log went on from it.
 *
 * @module
 */
import { isAbandoned, type LogEnd } from "./fit.ts";
import { forkBySnapshot } from "./fork.ts";
import { HealPoints } from "./heal_points.ts";
import { compareSeams, originOf, type ToldOrigin } from "./seams.ts";
import {
  GONE_AFTER_MS,
  type HealingFacts,
  type HealingSnapshot,
  isAt,
  type NoHealing,
  type OtherReplica,
  type OwnState,
} from "./healing_facts.ts";

/**
 * A replica that is silent for longer is passed over, if its state can be had
 * elsewhere.
 */
export const TAKEOVER_MS = 3_000;

/**
 * How long each replica with the same state has for healing before the next one
 * begins too: that one may be unable to, and not know it.
 */
export const TURN_MS = 15_000;

/** @returns The replicas of this log that live and follow it. */
export function companions(
  { own, others }: Pick<HealingFacts, "own" | "others">,
): OtherReplica[] {
  return others.filter(({ logId, state, heardAgo_ms }) =>
    logId === own.logId && state !== "forked" && heardAgo_ms <= GONE_AFTER_MS
  );
}

/** @returns How much fuller another state is: above 0 if it is, 0 for the same. */
function compare(other: OtherReplica, own: OwnState): number {
  return newer(other, own) || other.appliedSequence - own.appliedSequence;
}

/** How much newer its generation is; of versions before 1.3 nothing is known. */
function newer({ heals, healedTo }: OtherReplica, own: OwnState): number {
  if (heals !== undefined) return heals - own.heals.count;
  return healedTo === null ? 0 : healedTo - (own.heals.last?.sequence ?? 0);
}

/** @returns Whether another replica's state is fuller than this one's. */
export function isFuller(other: OtherReplica, own: OwnState): boolean {
  return compare(other, own) > 0;
}

/** @returns Whether another replica's state is at the same sequence. */
export function isAsFull(other: OtherReplica, own: OwnState): boolean {
  return compare(other, own) === 0;
}

/** @returns Whether a replica has not been heard for so long that others act. */
export function isSilent({ heardAgo_ms }: OtherReplica): boolean {
  return heardAgo_ms > TAKEOVER_MS;
}

/**
 * @returns How many replicas with the same state come before this one: those
 * with a smaller id that heal and are heard.
 */
export function rankAmongEquals({ own, others }: HealingFacts): number {
  return companions({ own, others }).filter((other) =>
    isAsFull(other, own) && other.id < own.id && other.heals !== undefined &&
    !isSilent(other)
  ).length;
}

/**
 * @returns Two replicas with different records or histories: nobody can tell
 * which is right.
 */
export function conflict(facts: HealingFacts): string | undefined {
  return differentRecords(facts) ?? twoHistories(facts);
}

function differentRecords(facts: HealingFacts): string | undefined {
  const { own } = facts;
  const other = companions(facts).find((one) =>
    isAsFull(one, own) && one.digest !== own.digest
  );
  return other && undecidable(
    `replicas ${own.id} and ${other.id} differ at sequence ${own.appliedSequence} (digests ${own.digest} and ${other.digest})`,
  );
}

/** Whatever their sequences: each has entries that the other one has not. */
function twoHistories(facts: HealingFacts): string | undefined {
  const { own } = facts;
  const other = companions(facts).find(({ appliedSequence, seams }) =>
    isOfOtherHistory({ sequence: appliedSequence, seams }, own)
  );
  return other && undecidable(
    `replicas ${own.id} at entry ${own.appliedSequence} and ${other.id} at entry ${other.appliedSequence} have two histories`,
  );
}

function undecidable(what: string): string {
  return `${what}, and nobody can tell which is right: save both backups, and stop the wrong one`;
}

/** Whether another state is none that this replica's goes on to, or came from. */
function isOfOtherHistory(
  other: ToldOrigin,
  { appliedSequence: sequence, seams }: OwnState,
): boolean {
  return compareSeams({ sequence, seams }, originOf(other)) === "other";
}

/**
 * @returns The newest stored snapshot that goes on from this replica's state
 * and is fuller; undefined if there is none.
 */
export function fullerSnapshot(
  { own, snapshots }: HealingFacts,
): HealingSnapshot | undefined {
  return snapshots.find((snapshot) => isFuture(snapshot, own));
}

/**
 * All that went on with it may be gone; their sets were acknowledged all the
 * same.
 *
 * @returns A stored snapshot of another history than this replica's, which
 * others have written to after its last entry, or that forks this replica once
 * it is read back; undefined if there is none.
 */
export function otherHistory(
  { own, snapshots }: HealingFacts,
): HealingSnapshot | undefined {
  return snapshots.find(({ info, isVerified, isUnreadable }) => {
    if (isUnreadable) return false;
    const heals = HealPoints.from(info.heals);
    const isNewer = heals.count >= own.heals.count;
    if (isNewer && !isVerified && forkBySnapshot(own, heals) !== undefined) {
      return true;
    }
    return (info.time ?? "") > (own.time ?? "") &&
      (isNewer && !knowsHealing(heals, own) || isOfOtherHistory(info, own));
  });
}

/** Whether a state may have gone through this replica's newest heal point. */
function knowsHealing(heals: HealPoints, own: OwnState): boolean {
  const { last } = own.heals;
  return last === undefined || heals.knows(last) ||
    heals.isTooOldToKnow(last.sequence);
}

/**
 * @param own A replica's state.
 * @param snapshots The log's snapshots, newest first.
 * @param end The log's end.
 * @returns The newest snapshot that goes on from that state, and has what the
 * log has lost; undefined if there is none.
 */
export function lostSnapshot(
  own: OwnState,
  snapshots: readonly HealingSnapshot[],
  end: Pick<LogEnd, "sequence" | "time">,
): HealingSnapshot | undefined {
  return snapshots.find((snapshot) =>
    snapshot.info.sequence > end.sequence && !isAbandoned(snapshot.info, end) &&
    isFuture(snapshot, own)
  );
}

/** Whether a snapshot goes on from this replica's state. */
function isFuture(
  { info, isUnreadable }: HealingSnapshot,
  own: OwnState,
): boolean {
  if (info.sequence <= own.appliedSequence || isUnreadable) return false;
  // It is of a history that others have left: they wrote past its end later.
  if (own.time !== null && (info.time ?? "") < own.time) return false;
  const heals = HealPoints.from(info.heals);
  return heals.count >= own.heals.count && knowsHealing(heals, own) &&
    forkBySnapshot(own, heals) === undefined &&
    !isOfOtherHistory(info, own);
}

/** @returns Why this replica does not heal the log now; undefined if it does. */
export function whoGoesFirst(facts: HealingFacts): NoHealing | undefined {
  const { own } = facts;
  const problem = (reason: string): NoHealing => ({
    type: "none",
    why: "problem",
    reason,
  });
  const histories = twoHistories(facts);
  if (histories !== undefined) return problem(histories);
  for (const other of companions(facts)) {
    if (!isFuller(other, own) || isHadElsewhere(other, facts)) continue;
    const { id, appliedSequence, version } = other;
    const has = `replica ${id} has applied entry ${appliedSequence}`;
    return other.heals === undefined
      ? {
        type: "none",
        why: "problem",
        reason:
          `${has} and can't heal the log (version ${version}; or HEAL_AFTER_MS=0, or a permission is missing): upgrade it or let it heal; or save its backup and stop it`,
      }
      : { type: "none", why: "wait", reason: `${has}, so it heals the log` };
  }
  const records = differentRecords(facts);
  if (records !== undefined) return problem(records);
  return mayTakeTurn(facts) ? undefined : {
    type: "none",
    why: "wait",
    reason: "another replica with the same state heals the log",
  };
}

/** Whether a replica that is silent is not needed for its state. */
function isHadElsewhere(
  other: OtherReplica,
  { own, snapshots }: HealingFacts,
): boolean {
  const { appliedSequence: sequence, digest } = other;
  return isSilent(other) &&
    snapshots.some((snapshot) =>
      snapshot.isVerified && isFuture(snapshot, own) &&
      isAt(snapshot, { sequence, digest })
    );
}

function mayTakeTurn(facts: HealingFacts): boolean {
  const rank = rankAmongEquals(facts);
  return rank === 0 || facts.now_ms - dueAt_ms(facts) >= rank * TURN_MS;
}

/** @returns When fuller replicas have had their time to be heard. */
export function dueAt_ms(
  { lossSince_ms, isOrdered, healAfter_ms }: HealingFacts,
): number {
  return lossSince_ms + (isOrdered ? 0 : healAfter_ms);
}
