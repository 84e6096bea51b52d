/**
 * Whether a replica's state and the log have become two histories: others went
 * on from a heal point that is below what this replica has applied, and that it
 * does not know. It does no I/O.
 *
 * @module
 */
import type { HealPoint } from "../log/healable_log.ts";
import { FORK_REMEDY } from "../log/log.ts";
import type { HealPoints } from "./heal_points.ts";
import { compareSeams, type Origin } from "./seams.ts";
import type { OtherReplica } from "./healing_facts.ts";
import type { SnapshotInfo } from "../snapshot/snapshot.ts";

/** The log goes on from another state than the one that this replica has. */
export class ForkedError extends Error {
  override name = "ForkedError";
}

/** A state, as far as forks go. */
export interface History {
  readonly appliedSequence: number;
  readonly digest: string;
  readonly heals: HealPoints;
}

function forked(
  { appliedSequence }: History,
  healedTo: number,
  source: string,
): string {
  return `two histories: this replica has applied entry ${appliedSequence}, and ${source} that the log was healed to entry ${healedTo} without it: ${FORK_REMEDY}`;
}

/** Whether the log was healed below what a state has, without that state. */
function isUnknown(
  { appliedSequence, heals }: History,
  point: HealPoint,
): boolean {
  return point.sequence < appliedSequence && !heals.knows(point) &&
    !heals.isTooOldToKnow(point.sequence);
}

/**
 * @param own This replica's state.
 * @param others The replicas of the same log.
 * @returns Why this replica is forked; undefined if none of them shows it.
 */
export function forkByOthers(
  own: History,
  others: readonly OtherReplica[],
): string | undefined {
  const { appliedSequence, heals } = own;
  const other = others.find(({ state, healedTo, heals: count = 0 }) =>
    state !== "forked" && healedTo !== null && healedTo < appliedSequence &&
    // Who knows of fewer healings has missed one, and not this replica.
    count >= heals.count &&
    !heals.points.some(({ sequence }) => sequence === healedTo) &&
    !heals.isTooOldToKnow(healedTo)
  );
  return other && forked(own, other.healedTo!, `replica ${other.id} says`);
}

/**
 * @param own This replica's state.
 * @param heals The heal points of a snapshot that goes beyond it.
 * @returns Why the snapshot is not this replica's future; undefined if it may be.
 */
export function forkBySnapshot(
  own: History,
  heals: HealPoints,
): string | undefined {
  const point = heals.points.find((one) => isUnknown(own, one));
  return point && forked(own, point.sequence, "a snapshot of the log says");
}

/**
 * The log may begin after all that would tell a fork by its entries: others wrote
 * past a loss, and what they wrote was cut off or lost again. The seams tell it.
 *
 * @param own This replica's state.
 * @param other A state beyond it that the log goes on from.
 * @returns Why this replica's entries are none of the other state's, or can't be
 * shown to be; undefined if they are.
 */
export function forkBySeams(own: Origin, other: Origin): string | undefined {
  const at = `entry ${own.sequence} that this replica has applied`;
  switch (compareSeams(own, other)) {
    case "other":
      return `two histories: ${at} is not in the history that the log goes on from at entry ${other.sequence}: ${FORK_REMEDY}`;
    case "forgotten":
      return `two histories, perhaps: this replica was away for so long that nothing can tell whether ${at} is in the history that the log goes on from at entry ${other.sequence}: ${FORK_REMEDY}`;
    default:
      return undefined;
  }
}

/**
 * No state goes on to one that was there before it. Where the broker lost
 * entries twice, that may be all that shows a fork: others wrote past the first
 * loss, and those entries were lost too before this replica's were missed.
 *
 * @param own This replica's last entry.
 * @param place The last entry of a snapshot that goes beyond it.
 * @returns Why the snapshot is not this replica's future; undefined if it may be.
 */
export function forkByTime(
  own: Pick<SnapshotInfo, "sequence" | "time">,
  place: Pick<SnapshotInfo, "sequence" | "time">,
): string | undefined {
  const isBefore = own.time !== null && place.time !== null &&
    place.time < own.time;
  return isBefore
    ? `two histories: entry ${place.sequence} of the log is of ${place.time}, before entry ${own.sequence} that this replica has applied, of ${own.time}: ${FORK_REMEDY}`
    : undefined;
}

/**
 * A log that was moved, and whose mark is missing, shows no entry that would tell
 * a fork: it was moved to where a snapshot ends.
 *
 * @param own This replica's last entry.
 * @param place The last entry of the snapshot that the log goes on from.
 * @returns Why that is not this replica's past; undefined if it may be.
 */
export function forkByMove(
  own: Pick<SnapshotInfo, "sequence" | "time">,
  place: Pick<SnapshotInfo, "sequence" | "time">,
): string | undefined {
  const isAfter = own.time !== null && place.time !== null &&
    place.sequence < own.sequence && place.time > own.time;
  return isAfter
    ? `two histories: the log goes on from entry ${place.sequence}, of ${place.time}, which is later than entry ${own.sequence} that this replica has applied, of ${own.time}: ${FORK_REMEDY}`
    : undefined;
}

/**
 * @param own This replica's state.
 * @param fence A fence that counts.
 * @returns Why this replica is forked; undefined if the fence does not show it.
 */
export function forkByFence(
  own: History,
  fence: HealPoint,
): string | undefined {
  const { sequence, digest } = fence;
  if (isUnknown(own, fence)) return forked(own, sequence, "its fence says");
  return own.appliedSequence === sequence && own.digest !== digest
    ? `two histories: at entry ${sequence} this replica has the digest ${own.digest}, and the log was healed with ${digest}: ${FORK_REMEDY}`
    : undefined;
}

/**
 * @param own This replica's state.
 * @param mark The mark that the log has directly after it.
 * @throws {ForkedError} If the log was healed from another state.
 */
export function checkMark(own: History, mark: HealPoint): void {
  if (mark.sequence === own.appliedSequence && mark.digest === own.digest) {
    return;
  }
  throw new ForkedError(
    `two histories: at entry ${own.appliedSequence} this replica has the digest ${own.digest}, and the log says that it was healed to entry ${mark.sequence} with ${mark.digest}: ${FORK_REMEDY}`,
  );
}
