/**
 * Which replica heals a log: the one whose state is the fullest. It does no I/O.
 *
 * A newer generation, the state with more heal points, is fuller than an older
 * one, whatever its sequence is: the log went on from it.
 *
 * @module
 */
import {
  GONE_AFTER_MS,
  type HealingFacts,
  isAt,
  type NoHealing,
  type OtherReplica,
  type OwnState,
} from "./healing_facts.ts";
import { none } from "./healing_needs.ts";
import { isFuture, isOfOtherHistory } from "./healing_snapshots.ts";

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
function isAsFull(other: OtherReplica, own: OwnState): boolean {
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

/** @returns Why this replica does not heal the log now; undefined if it does. */
export function whoGoesFirst(facts: HealingFacts): NoHealing | undefined {
  const { own } = facts;
  const histories = twoHistories(facts);
  if (histories !== undefined) return none("problem", histories);
  for (const other of companions(facts)) {
    if (!isFuller(other, own) || isHadElsewhere(other, facts)) continue;
    const { id, appliedSequence, version } = other;
    const has = `replica ${id} has applied entry ${appliedSequence}`;
    return other.heals === undefined
      ? none(
        "problem",
        `${has} and can't heal the log (version ${version}; or HEAL_AFTER_MS=0, or a permission is missing): upgrade it or let it heal; or save its backup and stop it`,
      )
      : none("wait", `${has}, so it heals the log`);
  }
  const records = differentRecords(facts);
  if (records !== undefined) return none("problem", records);
  return mayTakeTurn(facts)
    ? undefined
    : none("wait", "another replica with the same state heals the log");
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
