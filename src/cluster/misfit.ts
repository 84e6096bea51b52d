/**
 * A state that someone else holds, and whether it is fuller than a log: then
 * that log must not be written to. It does no I/O.
 *
 * @module
 */

/** The log as a starting replica finds it. */
export interface FoundLog {
  readonly id: string;
  readonly lastSequence: number;
}

/** What may hold a state. */
export type HolderKind =
  /** A replica that runs. */
  | "replica"
  /** A file, which may be of any log that there ever was. */
  | "file"
  /** A place where snapshots of the logs of this name are kept. */
  | "store";

/** A state that someone else holds. */
export interface HeldState {
  /** Names the holder in a reason, as in "replica b". */
  readonly holder: string;
  /** Changes when the holder starts anew, and so has lost what it held. */
  readonly session: string;
  readonly logId: string;
  readonly sequence: number;
  readonly users: number;
  /** Whether the log is known not to be what the holder has applied. */
  readonly isOfAnotherHistory: boolean;
  /** Whether the log has gone past the state, which stays where it is. */
  readonly isForked?: boolean;
  /** The sequence of its newest heal point; null if none is known. */
  readonly healedTo?: number | null;
  /** What the holder is. */
  readonly kind: HolderKind;
}

/** A state that does not fit in the log, and why not. */
export interface Misfit {
  readonly held: HeldState;
  readonly why: string;
}

/**
 * @param states All states that are held.
 * @param log The log that was found; undefined if there is none.
 * @returns Those that are fuller than the log.
 */
export function misfits(
  states: readonly HeldState[],
  log: FoundLog | undefined,
): Misfit[] {
  // What a healing has left behind is no part of the log any more.
  const newest = Math.max(
    0,
    ...states.map(({ logId, healedTo }) =>
      logId === log?.id ? healedTo ?? 0 : 0
    ),
  );
  const ofLog = states.filter(({ kind, logId }) =>
    kind === "replica" && logId === log?.id
  );
  // Where no replica follows the log, a start must not be the first to do so:
  // what the forked ones have may be all that was acknowledged.
  const isFollowed = ofLog.some(({ isForked, isOfAnotherHistory }) =>
    !isForked && !isOfAnotherHistory
  );
  return states.flatMap((held) => {
    const isLeftBehind = ofLog.includes(held) &&
      (held.isForked === true && isFollowed || (held.healedTo ?? 0) < newest);
    const why = isLeftBehind ? undefined : misfitOf(held, log);
    return why === undefined ? [] : { held, why };
  });
}

function misfitOf(
  { logId, sequence, users, isOfAnotherHistory, isForked, kind }: HeldState,
  log: FoundLog | undefined,
): string | undefined {
  if (log?.id !== logId) {
    if (kind === "file") return undefined;
    // A replica without users makes its log again, too: its sequences go on.
    if (users === 0 && (log !== undefined || kind === "store")) {
      return undefined;
    }
    if (log === undefined) return "NATS has no such stream";
    // Snapshots of a log that was given up stay where they are.
    return kind === "store" ? undefined : `the stream is of log ${log.id}`;
  }
  if (sequence > log.lastSequence) {
    return `the log ends at entry ${log.lastSequence}`;
  }
  return isOfAnotherHistory || isForked
    ? "the log has other entries by now"
    : undefined;
}

/**
 * @param fuller The states that do not fit: at least one.
 * @returns Why the log must not be used: the fullest of them.
 */
export function reasonOf(fuller: readonly Misfit[]): string {
  const { held, why } = fuller.reduce((fullest, one) =>
    one.held.users >= fullest.held.users ? one : fullest
  );
  const { holder, users, sequence, logId, kind } = held;
  const remedy = kind === "store"
    ? "Repair NATS or NATS_URL; or start with RESTORE_FROM, the file: URL of that snapshot; or save that snapshot and start with NEW_LOG=yes"
    : "Repair NATS or NATS_URL; or save its backup and start with NEW_LOG=yes";
  return `${holder} holds ${users} users at entry ${sequence} of log ${logId}, and ${why}. ${remedy}`;
}
