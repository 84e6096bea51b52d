/**
 * The facts that healing depends on, and its steps.
 *
 * @module
 */

/** Another replica, as healing sees it. */
export interface OtherReplica {
  readonly id: string;
  /** Changes with each start of the replica. */
  readonly session: string;
  readonly version: string;
  readonly state: string;
  /** Null before its log is open. */
  readonly logId: string | null;
  readonly appliedSequence: number;
  readonly lastSequence: number;
  readonly digest: string;
  /** How many heal points it has; undefined if it does not heal. */
  readonly heals: number | undefined;
  /** The sequence of the newest of them; null if there is none. */
  readonly healedTo: number | null;
  /** How long it is silent. */
  readonly heardAgo_ms: number;
}

/** Why a replica takes no sets although it follows its log, or can't. */
export interface HealingCondition {
  /**
   * `healing`: the log is being made whole. `forked`: this replica has entries
   * that the log never will have. `waiting`: another replica has applied more
   * than the log has.
   */
  readonly type: "healing" | "forked" | "waiting";
  readonly reason: string;
}
