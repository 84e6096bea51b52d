/**
 * `GET /cluster`: all replicas as this one sees them.
 *
 * @module
 */
import type { ClusterSource, SeenReplica } from "../ports/cluster.ts";
import type { Identity } from "../ports/identity.ts";
import { getAndHead, type Handler } from "../server/router.ts";
import type { ClusterAnswer, ClusterRow } from "./cluster_openapi.ts";

/**
 * @param identity This replica.
 * @param source Its cluster.
 * @param now The time in milliseconds.
 */
export function cluster(
  { replicaId }: Identity,
  source: ClusterSource,
  now: () => number,
): Handler {
  return getAndHead(() => {
    const { presence, diverged, standsAlone, otherLogs, replicas } = source
      .view(now());
    const answer: ClusterAnswer = {
      replica_id: replicaId,
      presence,
      diverged,
      stands_alone: standsAlone,
      other_logs: otherLogs.map(({ follower, logId }) => ({
        follower,
        log_id: logId,
      })),
      replicas: replicas.map(row),
    };
    return Response.json(answer);
  });
}

function row({ heartbeat: said, ...seen }: SeenReplica): ClusterRow {
  return {
    replica_id: said.replica_id,
    self: seen.isSelf,
    version: said.version,
    state: said.state,
    reason: said.reason,
    connected: seen.connected,
    log_id: said.log_id,
    applied_sequence: said.applied_sequence,
    last_sequence: said.last_sequence,
    lag: Math.max(0, said.last_sequence - said.applied_sequence),
    users: said.users,
    digest: said.digest,
    equal: seen.equal,
    compared_at: seen.comparedAt,
    restore: said.restore,
    heard_ms_ago: Math.round(seen.heardAgo_ms),
  };
}
