/**
 * What a replica can do: decided from where it is in its life, how its log is,
 * and whether it can apply the next entry. It does no I/O.
 *
 * @module
 */
import type { LogStatus } from "../log/log.ts";
import type { ReplicaState } from "../replica_states.ts";
import type { HealingCondition } from "./healing_facts.ts";

/** How a restore goes. */
export interface RestoreProgress {
  /** What is being restored, or why nothing is. */
  readonly reason: string;
  /** How many rows are restored. */
  readonly rows: number;
  /** How much that is of all rows of the snapshot, 0 to 100. */
  readonly percent: number;
}

/** Where a replica is in its life. */
export type Phase =
  /** The log is not open yet; `held` says why it must not be opened. */
  | { readonly name: "starting"; readonly held?: string }
  /** A snapshot is being looked for or restored. */
  | { readonly name: "restoring"; readonly progress: RestoreProgress }
  /**
   * Entries up to `until`, the last one that the log had, are being applied,
   * or the log can't be proposed to yet. `account` says what they follow.
   */
  | {
    readonly name: "catching_up";
    readonly until: number;
    readonly account?: string | undefined;
  }
  | { readonly name: "ready" }
  /** No set is taken any more; `wasReady` if gets can be answered. */
  | {
    readonly name: "draining";
    readonly reason: string;
    readonly wasReady: boolean;
  };

/** What a replica can do, and why not more. */
export interface Readiness {
  readonly state: ReplicaState;
  /** Why it is in that state, or why sets can't commit, in a few words. */
  readonly reason: string;
  /**
   * Whether gets are answered: it has restored and caught up once, and there
   * is no entry that it can't understand.
   */
  readonly readable: boolean;
  /**
   * Whether it holds a whole state that is worth a backup: all of the log, or
   * all of it that this version will ever apply.
   */
  readonly whole: boolean;
  /** Whether sets can commit now. */
  readonly writable: boolean;
}

/** What a replica's readiness is made of. */
export interface Condition {
  /** Where the replica is in its life. */
  readonly phase: Phase;
  /** How its log is. */
  readonly log: LogStatus;
  /** Why it can't apply the next entry; undefined if it can. */
  readonly stuck: string | undefined;
  /**
   * How the restore goes, of a replica that has a state already and whose log
   * no longer has the next entry; undefined if there is none.
   */
  readonly rejoin: RestoreProgress | undefined;
  /**
   * Why it takes no sets although it follows its log, or can't. Invariant:
   * neither `healing` nor `unhealed` while the log is connected.
   */
  readonly healing: HealingCondition | undefined;
  /** Whether the replica makes its log whole where that can be done. */
  readonly isHealer: boolean;
}

/** @returns What a replica can do in its condition. */
export function readiness(condition: Condition): Readiness {
  const { phase, log, stuck, rejoin, healing } = condition;
  const over = stateOver(condition);
  const hasCaughtUp = phase.name === "ready" ||
    (phase.name === "draining" && phase.wasReady);
  const isRestoring = phase.name === "catching_up" && rejoin !== undefined;
  const state = isRestoring ? "restoring" : phase.name;
  return {
    state: phase.name === "draining" ? state : over ?? state,
    reason: reason({
      ...condition,
      stuck: over === undefined ? stuck : undefined,
    }),
    readable: hasCaughtUp && log.state !== "upgrade_required",
    whole: hasCaughtUp || (over !== undefined && phase.name === "catching_up"),
    writable: phase.name === "ready" && log.state === "connected" &&
      stuck === undefined && healing === undefined,
  };
}

/** The state of a replica whose log can't be followed, whatever else it does. */
function stateOver(
  { log, healing, isHealer }: Condition,
): ReplicaState | undefined {
  if (healing?.type === "forked") return "forked";
  switch (log.state) {
    case "forked":
    case "upgrade_required":
    case "healing":
      return log.state;
    case "ahead_of_log":
      return healing?.type === "healing" ||
          (isHealer && healing?.type !== "unhealed" && isHealable(log))
        ? "healing"
        : "ahead_of_log";
    case "away":
      return healing?.type === "healing" ? "healing" : undefined;
    case "connected":
      return undefined;
  }
}

/** Whether a log that has lost entries can be made whole. */
function isHealable({ loss }: LogStatus): boolean {
  return loss !== undefined && loss.type !== "other_log" &&
    loss.problem === undefined;
}

function reason(condition: Condition): string {
  const { phase, stuck, rejoin } = condition;
  switch (phase.name) {
    case "draining":
      return phase.reason;
    case "restoring":
      return phase.progress.reason;
    case "starting":
      if (phase.held !== undefined) return phase.held;
  }
  const log = logReason(condition);
  if (rejoin !== undefined) {
    return `${log ?? condition.log.reason}; ${rejoin.reason}`;
  }
  if (stuck !== undefined) return stuck;
  switch (phase.name) {
    case "starting":
      return log ?? "the service has just started";
    case "catching_up": {
      const now = log ?? "entries of the log are being applied";
      return phase.account === undefined ? now : `${now}; ${phase.account}`;
    }
    case "ready":
      return log ?? "all entries of the log are applied";
  }
}

/** Why the log can't be proposed to; undefined if it can. */
function logReason(
  { log, healing }: Pick<Condition, "log" | "healing">,
): string | undefined {
  if (healing?.type === "unhealed") {
    return `${log.reason}; this replica does not heal the log: ${healing.reason}`;
  }
  return healing?.reason ??
    (log.state === "connected" ? undefined : log.reason);
}
