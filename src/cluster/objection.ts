/**
 * Why another replica's word forbids to propose to a log. It does no I/O.
 *
 * @module
 */
import type { OtherReplica } from "../replica/healing_facts.ts";

/** Where the log begins and ends. */
export interface LogEnds {
  /** The first entry still there; last + 1 if there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** The log that a replica would propose to, as it knows it itself. */
export interface OwnLog {
  readonly id: string;
  /** The sequence of its state's newest heal point; null if there is none. */
  readonly healedTo: number | null;
}

/**
 * Nobody proposes to a log that has less than a replica that can be heard:
 * what it has lost would be written over.
 *
 * @param other What the other replica says.
 * @param own This replica's log.
 * @param log Where that log begins and ends, asked after the other said it:
 * else a log that grows would look as if it had lost its end.
 * @returns Why not; undefined if the other has nothing against it.
 */
export function objection(
  { id, state, logId, appliedSequence, healedTo }: OtherReplica,
  own: OwnLog,
  { firstSequence, lastSequence }: LogEnds,
): string | undefined {
  // The log has gone past what these have.
  if (state === "forked") return undefined;
  const isHealing = state === "healing";
  if (isHealing && lastSequence === 0 && logId !== own.id) {
    return `replica ${id} makes the log from a backup`;
  }
  // The log was made whole without it.
  const isLeftBehind = (healedTo ?? 0) < (own.healedTo ?? 0);
  if (logId !== own.id || isLeftBehind) return undefined;
  if (appliedSequence > lastSequence) {
    return `replica ${id} has applied entry ${appliedSequence} of the log, which ends at entry ${lastSequence} now`;
  }
  // Its mark is not written yet. A log that never had an entry needs none.
  return isHealing && lastSequence > 0 && firstSequence > lastSequence
    ? `replica ${id} makes the log whole`
    : undefined;
}
