/**
 * Every replica of the cluster as this one sees it: its last heartbeat, and
 * whether it was equal.
 *
 * @module
 */
import type { Heartbeat } from "./heartbeat.ts";
import type { Divergence } from "./divergence.ts";
import type { Member } from "./members.ts";

/** One replica. */
export interface SeenReplica {
  /** Its last heartbeat. */
  readonly heartbeat: Heartbeat;
  /** Whether it is this replica. */
  readonly isSelf: boolean;
  /** Whether it can propose to the log; null for other replicas. */
  readonly connected: boolean | null;
  /** Whether it equals the others; null if that is not known yet. */
  readonly equal: boolean | null;
  /** The sequence at which it was compared last; null if it was not. */
  readonly comparedAt: number | null;
  /** How long ago it was heard. */
  readonly heardAgo_ms: number;
}

/**
 * @param own This replica's heartbeat.
 * @param connected Whether this replica can propose to the log.
 * @param members The other replicas.
 * @param divergence The comparisons with them.
 * @param isUnheard Whether a replica can't be heard now, though it may be there.
 * @returns All replicas in the order of their ids, and the id of the one that
 * differs from all others.
 */
export function seenReplicas(
  own: Heartbeat,
  connected: boolean,
  members: readonly Member[],
  divergence: Divergence,
  isUnheard: (replicaId: string) => boolean,
): { standsAlone: string | null; replicas: SeenReplica[] } {
  const standsAlone = divergence.standsAlone(own.replica_id, members);
  // A connection that carries nothing any more is noticed later than silence.
  const isDeaf = !connected && own.state === "ready" &&
    members.every(({ isGone }) => isGone);
  const isUnknown = ({ heartbeat: { replica_id } }: Member) =>
    isDeaf || isUnheard(replica_id);
  const self: SeenReplica = {
    heartbeat: own,
    isSelf: true,
    connected,
    equal: selfEqual(
      own.replica_id,
      members.filter((member) => !isUnknown(member)),
      divergence,
      standsAlone,
    ),
    comparedAt: null,
    heardAgo_ms: 0,
  };
  const others = members.map((member): SeenReplica => ({
    heartbeat: asSeen(member, isUnknown(member)),
    isSelf: false,
    connected: null,
    equal: divergence.equals(member),
    comparedAt: divergence.comparedAt(member),
    heardAgo_ms: member.heardAgo_ms,
  }));
  return {
    standsAlone,
    replicas: [...others, self].sort((a, b) =>
      a.heartbeat.replica_id < b.heartbeat.replica_id ? -1 : 1
    ),
  };
}

/** The last heartbeat of a replica, marked if it is too old to be true. */
function asSeen(
  { heartbeat, isGone }: Member,
  isUnknown: boolean,
): Heartbeat {
  if (isUnknown) {
    const reason = `it can't be heard now; it was ${
      heartbeat.state.replaceAll("_", " ")
    } when it was heard last`;
    return { ...heartbeat, state: "unknown", reason, restore: null };
  }
  if (!isGone) return heartbeat;
  const reason = "it has not been heard from";
  return { ...heartbeat, state: "gone", reason, restore: null };
}

/** Whether this replica equals the others; null if none was compared. */
function selfEqual(
  id: string,
  members: readonly Member[],
  divergence: Divergence,
  standsAlone: string | null,
): boolean | null {
  if (standsAlone !== null) return standsAlone !== id;
  if (divergence.diverged) return false;
  return members.some((member) => divergence.equals(member) === true)
    ? true
    : null;
}
