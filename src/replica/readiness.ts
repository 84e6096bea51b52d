/**
 * What a replica can do: decided from where it is in its life, how its log is,
 * and whether it can apply the next entry. It does no I/O.
 *
 * @module
 */
import type { LogStatus } from "../log/log.ts";
import type { ReplicaState } from "../replica_states.ts";

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
}

/** @returns What a replica can do in its condition. */
export function readiness(
  { phase, log, stuck, rejoin }: Condition,
): Readiness {
  const isOver = log.state === "ahead_of_log" ||
    log.state === "upgrade_required";
  const hasCaughtUp = phase.name === "ready" ||
    (phase.name === "draining" && phase.wasReady);
  const isRestoring = phase.name === "catching_up" && rejoin !== undefined;
  const state = isRestoring ? "restoring" : phase.name;
  return {
    state: isOver && phase.name !== "draining" ? log.state : state,
    reason: reason({ phase, log, stuck: isOver ? undefined : stuck, rejoin }),
    readable: hasCaughtUp && log.state !== "upgrade_required",
    whole: hasCaughtUp || (isOver && phase.name === "catching_up"),
    writable: phase.name === "ready" && log.state === "connected" &&
      stuck === undefined,
  };
}

function reason({ phase, log, stuck, rejoin }: Condition): string {
  switch (phase.name) {
    case "draining":
      return phase.reason;
    case "restoring":
      return phase.progress.reason;
    case "starting":
      if (phase.held !== undefined) return phase.held;
  }
  if (rejoin !== undefined) return `${log.reason}; ${rejoin.reason}`;
  if (stuck !== undefined) return stuck;
  switch (phase.name) {
    case "starting":
      return log.state === "connected"
        ? "the service has just started"
        : log.reason;
    case "catching_up": {
      const now = log.state === "connected"
        ? "entries of the log are being applied"
        : log.reason;
      return phase.account === undefined ? now : `${now}; ${phase.account}`;
    }
    case "ready":
      return log.state === "connected"
        ? "all entries of the log are applied"
        : log.reason;
  }
}
