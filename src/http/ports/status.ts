/**
 * What probes and `/status` need of the service.
 *
 * @module
 */
import type { ReplicaState } from "../../replica_states.ts";

/** Says what a replica can do. */
export interface Readiness {
  readonly state: ReplicaState;
  /** Why it is in that state, or why sets can't commit, in a few words. */
  readonly reason: string;
  /** Whether gets are answered. */
  readonly readable: boolean;
  /** Whether it holds the state at one sequence, and not a part of an entry. */
  readonly isWhole: boolean;
  /** Whether sets can commit now. */
  readonly writable: boolean;
  /** How far a restore is; undefined if there is none. */
  readonly restoreProgress:
    | { readonly rows: number; readonly percent: number }
    | undefined;
}

/** Says how far a replica has applied its log, and what it holds. */
export interface ReplicaStatus extends Pick<Readiness, "state"> {
  /** The log; undefined before it is open. */
  readonly log:
    | { readonly id: string; readonly firstSequence: number }
    | undefined;
  /** The sequence of the log's last entry, as far as is known. */
  readonly lastSequence: number;
  /** The sequence of the last applied entry. */
  readonly appliedSequence: number;
  /** Whether the log can be proposed to. */
  readonly connected: boolean;
  readonly users: number;
  /** The digest of the records, 16 hex digits. */
  readonly digest: string;
}

/** Knows how the log was made whole. */
export interface HealingView {
  /** How many healings the log has gone through since this replica started. */
  readonly seen: number;
  /** How many applied entries the log does not have now. */
  readonly lost: number;
}
