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
   * or the log can't be proposed to yet.
   */
  | { readonly name: "catching_up"; readonly until: number }
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

/**
 * @param phase Where the replica is in its life.
 * @param log How its log is.
 * @param stuck Why it can't apply the next entry; undefined if it can.
 * @returns What it can do.
 */
export function readiness(
  phase: Phase,
  log: LogStatus,
  stuck: string | undefined,
): Readiness {
  const isOver = log.state === "ahead_of_log" ||
    log.state === "upgrade_required";
  const hasCaughtUp = phase.name === "ready" ||
    (phase.name === "draining" && phase.wasReady);
  return {
    state: isOver && phase.name !== "draining" ? log.state : phase.name,
    reason: reason(phase, log, isOver ? undefined : stuck),
    readable: hasCaughtUp && log.state !== "upgrade_required",
    whole: hasCaughtUp || (isOver && phase.name === "catching_up"),
    writable: phase.name === "ready" && log.state === "connected" &&
      stuck === undefined,
  };
}

function reason(
  phase: Phase,
  log: LogStatus,
  stuck: string | undefined,
): string {
  switch (phase.name) {
    case "draining":
      return phase.reason;
    case "restoring":
      return phase.progress.reason;
    case "starting":
      if (phase.held !== undefined) return phase.held;
  }
  if (stuck !== undefined) return stuck;
  if (log.state !== "connected") return log.reason;
  switch (phase.name) {
    case "starting":
      return "the service has just started";
    case "catching_up":
      return "entries of the log are being applied";
    case "ready":
      return "all entries of the log are applied";
  }
}
