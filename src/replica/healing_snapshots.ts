/**
 * Which stored snapshots have what a log has lost, or are of another history. It
 * does no I/O.
 *
 * @module
 */
import { isAbandoned, type LogEnd } from "./fit.ts";
import { forkBySnapshot } from "./fork.ts";
import { HealPoints } from "./heal_points.ts";
import type {
  HealingFacts,
  HealingSnapshot,
  OwnState,
} from "./healing_facts.ts";
import { compareSeams, originOf, type ToldOrigin } from "./seams.ts";

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

/** @returns Whether a snapshot goes on from this replica's state. */
export function isFuture(
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

/** @returns Whether another state is none that this replica's goes on to, or came from. */
export function isOfOtherHistory(
  other: ToldOrigin,
  { appliedSequence: sequence, seams }: OwnState,
): boolean {
  return compareSeams({ sequence, seams }, originOf(other)) === "other";
}
