/**
 * What `/status` says.
 *
 * @module
 */
import type { Replica } from "../replica/replica.ts";

/** What does not change while the service runs. */
export interface Identity {
  readonly replicaId: string;
  readonly version: string;
  readonly mode: "standalone" | "replicated";
  /** When the service started, in milliseconds of `performance.now()`. */
  readonly started: number;
}

/**
 * @param identity Who answers.
 * @param replica What it answers of.
 * @param diverged Whether another replica was found to differ from it.
 * @param now The time in milliseconds of `performance.now()`.
 * @returns The object of `/status`, in the contract's order.
 */
export function status(
  { replicaId, version, mode, started }: Identity,
  replica: Replica,
  diverged: boolean,
  now: number,
) {
  return {
    replica_id: replicaId,
    version,
    mode,
    state: replica.state,
    log: {
      id: replica.log?.id ?? null,
      first_sequence: replica.log?.firstSequence ?? 0,
      last_sequence: replica.lastSequence,
      applied_sequence: replica.appliedSequence,
      lag: replica.lastSequence - replica.appliedSequence,
      connected: replica.connected,
    },
    users: replica.users,
    digest: replica.digest,
    uptime_s: Math.round(now - started) / 1000,
    diverged,
  };
}
