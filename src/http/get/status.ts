/**
 * `GET /status`: the replica's state and place in the log.
 *
 * @module
 */
import type { ClusterSource, Identity, ReplicaStatus } from "../ports.ts";
import { getAndHead, type Handler } from "../server/router.ts";
import type { StatusAnswer } from "./status_openapi.ts";

/**
 * @param identity The service.
 * @param replica Its replica.
 * @param cluster Its cluster.
 * @param now The time in milliseconds, by the clock of `identity`.
 */
export function status(
  identity: Identity,
  replica: ReplicaStatus,
  cluster: Pick<ClusterSource, "diverged">,
  now: () => number,
): Handler {
  return getAndHead(() =>
    Response.json(view(identity, replica, cluster.diverged, now()))
  );
}

function view(
  { replicaId, version, mode, started_ms }: Identity,
  replica: ReplicaStatus,
  diverged: boolean,
  now_ms: number,
): StatusAnswer {
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
