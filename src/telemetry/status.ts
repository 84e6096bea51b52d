/**
 * The answer of `/status`.
 *
 * @module
 */
import type { ReplicaView } from "../replica/replica_view.ts";

/** What stays the same while the service runs. */
export interface Identity {
  readonly replicaId: string;
  readonly version: string;
  readonly mode: "standalone" | "replicated";
  /** When the service started, by `performance.now()`. */
  readonly started_ms: number;
}

/**
 * @param identity The service.
 * @param replica Its replica.
 * @param diverged Whether it has a difference from another replica.
 * @param now_ms The time, by `performance.now()`.
 * @returns The object of `/status`, in the contract's order.
 */
export function status(
  { replicaId, version, mode, started_ms }: Identity,
  replica: ReplicaView,
  diverged: boolean,
  now_ms: number,
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
    uptime_s: Math.round(now_ms - started_ms) / 1000,
    diverged,
  };
}
