/**
 * The facts that healing depends on, and its steps.
 *
 * @module
 */
import type { HealPoint, LogLoss } from "../log/healable_log.ts";
import type { SeamsData } from "../snapshot/snapshot.ts";
import type { StoredSnapshot } from "../snapshot/store.ts";
import type { History } from "./fork.ts";
import type { Seams } from "./seams.ts";

/** A replica that is silent for longer is gone, for the cluster too. */
export const GONE_AFTER_MS = 10_000;

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
  /** The newest seams of its log; undefined if it tells none. */
  readonly seams: SeamsData | undefined;
  /** How long it is silent. */
  readonly heardAgo_ms: number;
}

/** Why a replica takes no sets although it follows its log, or can't. */
export interface HealingCondition {
  /**
   * `healing`: the log is being made whole. `forked`: this replica has entries
   * that the log never will have. `waiting`: another replica has applied more
   * than the log has. `unhealed`: the log has lost entries, and is not healed
   * by this replica.
   */
  readonly type: "healing" | "forked" | "waiting" | "unhealed";
  readonly reason: string;
}

/** This replica. */
export interface OwnState extends History {
  readonly id: string;
  readonly logId: string;
  /** When the log took the entry that was applied last; null at sequence 0. */
  readonly time: string | null;
  /** Where its log may have gone another way. */
  readonly seams: Seams;
  /** Whether it holds the whole state at its sequence. */
  readonly isWhole: boolean;
  /** Whether its records differ from those of another replica. */
  readonly isDiverged: boolean;
  readonly isForked: boolean;
}

/** A snapshot of this log in the store. */
export interface HealingSnapshot
  extends Pick<StoredSnapshot, "id" | "info" | "isVerified"> {
  /** Whether this replica has found it damaged. */
  readonly isUnreadable: boolean;
}

/** All that the next step depends on. */
export interface HealingFacts {
  readonly now_ms: number;
  readonly own: OwnState;
  /** What the log has lost, looked up just now. */
  readonly loss: LogLoss;
  /** When this replica saw first that something is lost. */
  readonly lossSince_ms: number;
  /**
   * When it saw first that something is left to be done that any replica may
   * do: a fence stands in the log, or its mark is missing.
   */
  readonly fenceSince_ms: number;
  /** The other replicas that were heard since this one is connected. */
  readonly others: readonly OtherReplica[];
  /** The ids of those that lived before, and were not heard since. */
  readonly awaited: readonly string[];
  /** Whether replicas hear each other. */
  readonly isPresenceOn: boolean;
  /** This log's snapshots in the store that all replicas share, newest first. */
  readonly snapshots: readonly HealingSnapshot[];
  /** How long to wait for a fuller replica; 0: this replica does not heal. */
  readonly healAfter_ms: number;
  /** Whether an operator has ordered it: there is no wait, then. */
  readonly isOrdered: boolean;
  /** What keeps this replica from healing, and what to do. */
  readonly problem: string | undefined;
}

/** What is to be done. */
export type HealingWork =
  /** Write a snapshot of this replica's state. */
  | { readonly type: "write"; readonly point: HealPoint }
  /** Read a snapshot back. */
  | { readonly type: "verify"; readonly snapshot: HealingSnapshot }
  /** Go on from a snapshot that is fuller than all replicas. */
  | { readonly type: "restore"; readonly snapshot: HealingSnapshot }
  /** Make the log again. */
  | { readonly type: "remake" }
  /** Write the fence directly after an entry. */
  | {
    readonly type: "fence";
    readonly point: HealPoint;
    readonly after: number;
  }
  /** Let the log begin after the heal point. */
  | { readonly type: "move"; readonly point: HealPoint }
  /** Write the first entry after the heal point. */
  | { readonly type: "mark"; readonly point: HealPoint };

/** Nothing is to be done now. */
export interface NoHealing {
  readonly type: "none";
  readonly reason: string;
  /**
   * `wait`: it goes on by itself. `problem`: an operator has to act. `off`:
   * this replica does not heal this log.
   */
  readonly why: "wait" | "problem" | "off";
}

/** The next step. */
export type HealingStep = HealingWork | NoHealing;

/** @returns The heal point that a state would be. */
export function pointOf({ appliedSequence, digest }: History): HealPoint {
  return { sequence: appliedSequence, digest };
}

/** @returns Whether a snapshot is the state at a heal point. */
export function isAt(
  { info }: HealingSnapshot,
  { sequence, digest }: HealPoint,
): boolean {
  return info.sequence === sequence && info.digest === digest;
}
