/**
 * The rows of `/cluster`, one for each replica.
 *
 * @module
 */
import type { Heartbeat } from "./heartbeat.ts";
import type { Divergence } from "./divergence.ts";
import type { Member } from "./members.ts";

/**
 * @param own This replica's heartbeat.
 * @param connected Whether this replica can propose to the log.
 * @param members The other replicas.
 * @param divergence The comparisons with them.
 * @returns The rows in the order of the ids, and the id of the replica that
 * differs from all others.
 */
export function clusterRows(
  own: Heartbeat,
  connected: boolean,
  members: readonly Member[],
  divergence: Divergence,
) {
  const alone = divergence.standsAlone(own.replica_id, members);
  const self = row(own, {
    self: true,
    connected,
    equal: selfEqual(own.replica_id, members, divergence, alone),
    comparedAt: null,
    heardAgo_ms: 0,
  });
  const others = members.map((member) =>
    row(member.isGone ? goneFrom(member.heartbeat) : member.heartbeat, {
      self: false,
      connected: null,
      equal: divergence.equals(member),
      comparedAt: divergence.comparedAt(member),
      heardAgo_ms: member.heardAgo_ms,
    })
  );
  return {
    stands_alone: alone,
    replicas: [...others, self].sort((a, b) =>
      a.replica_id < b.replica_id ? -1 : 1
    ),
  };
}

/** The last heartbeat of a replica that is gone, marked so. */
function goneFrom(last: Heartbeat): Heartbeat {
  return {
    ...last,
    state: "gone",
    reason: "it has not been heard from",
    restore: null,
  };
}

/** Whether this replica equals the others; null if none was compared. */
function selfEqual(
  id: string,
  members: readonly Member[],
  divergence: Divergence,
  alone: string | null,
): boolean | null {
  if (alone !== null) return alone !== id;
  if (divergence.diverged) return false;
  return members.some((member) => divergence.equals(member) === true)
    ? true
    : null;
}

/** The members of a row that are not in the heartbeat. */
interface Seen {
  readonly self: boolean;
  /** Whether it can propose to the log; null for other replicas. */
  readonly connected: boolean | null;
  readonly equal: boolean | null;
  readonly comparedAt: number | null;
  readonly heardAgo_ms: number;
}

function row(one: Heartbeat, seen: Seen) {
  return {
    replica_id: one.replica_id,
    self: seen.self,
    version: one.version,
    state: one.state,
    reason: one.reason,
    connected: seen.connected,
    log_id: one.log_id,
    applied_sequence: one.applied_sequence,
    last_sequence: one.last_sequence,
    lag: Math.max(0, one.last_sequence - one.applied_sequence),
    users: one.users,
    digest: one.digest,
    equal: seen.equal,
    compared_at: seen.comparedAt,
    restore: one.restore,
    heard_ms_ago: Math.round(seen.heardAgo_ms),
  };
}
