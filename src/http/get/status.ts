/**
 * `GET /status`: the replica's state and place in the log.
 *
 * @module
 */
import type {
  ClusterSource,
  Identity,
  KeptSnapshot,
  Readiness,
  ReplicaStatus,
  SnapshotView,
} from "../ports.ts";
import type { Availability } from "../server/availability.ts";
import { getAndHead, type Handler } from "../server/router.ts";
import type { StatusAnswer } from "./status_openapi.ts";

/**
 * @param identity The service.
 * @param replica Its replica.
 * @param cluster Its cluster.
 * @param snapshots What is kept of its log.
 * @param availability What the operator decided.
 * @param now The time in milliseconds, by the clock of `identity`.
 */
export function status(
  identity: Identity,
  replica: ReplicaStatus & Readiness,
  cluster: Pick<ClusterSource, "diverged">,
  snapshots: SnapshotView,
  availability: Availability,
  now: () => number,
): Handler {
  return getAndHead(() => {
    const answer: StatusAnswer = {
      ...replicaPart(identity, replica, snapshots),
      uptime_s: Math.round(now() - identity.started_ms) / 1000,
      diverged: cluster.diverged,
      gets_refused: replica.readable ? null : replica.reason,
      sets_refused: availability.writeRefusal ??
        (replica.writable ? null : replica.reason),
      leaving: availability.getRefusal ?? null,
    };
    return Response.json(answer);
  });
}

function replicaPart(
  { replicaId, version, mode }: Identity,
  replica: ReplicaStatus,
  { log, places }: SnapshotView,
): Omit<
  StatusAnswer,
  "uptime_s" | "diverged" | "gets_refused" | "sets_refused" | "leaving"
> {
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
      bytes: log.bytes,
      snapshot: newest(places),
      snapshot_problem: places.log.problem ?? places.folder?.problem ?? null,
    },
    users: replica.users,
    digest: replica.digest,
  };
}

/** The newest snapshot of all places; null if none has any. */
function newest({ log, folder }: SnapshotView["places"]): KeptSnapshot | null {
  const [one, other] = [log.newest, folder?.newest ?? null];
  const found = one === null || (other?.sequence ?? 0) > one.sequence
    ? other
    : one;
  if (found === null) return null;
  const { sequence, time, bytes } = found;
  return { sequence, time, bytes };
}
