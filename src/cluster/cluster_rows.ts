/**
 * The cluster as `/cluster` tells it: a row for each replica.
 *
 * @module
 */
import type { Announcement } from "./announcement.ts";
import type { Equality } from "./equality.ts";
import type { Peer } from "./presence.ts";

/**
 * @param own What this replica says of itself.
 * @param connected Whether it can propose to the log.
 * @param peers The replicas that are remembered.
 * @param equality What is known of their equality.
 * @returns The rows, in the order of the ids, and who differs from all others.
 */
export function clusterRows(
  own: Announcement,
  connected: boolean,
  peers: readonly Peer[],
  equality: Equality,
) {
  const alone = equality.standsAlone(own.replica_id, peers);
  const self = row(own, {
    self: true,
    connected,
    equal: selfEqual(own.replica_id, peers, equality, alone),
    comparedAt: null,
    heard_ms_ago: 0,
  });
  const others = peers.map((peer) =>
    row(peer.isGone ? goneFrom(peer.announcement) : peer.announcement, {
      self: false,
      connected: null,
      equal: equality.equals(peer),
      comparedAt: equality.comparedAt(peer),
      heard_ms_ago: peer.heard_ms_ago,
    })
  );
  return {
    stands_alone: alone,
    replicas: [...others, self].sort((a, b) =>
      a.replica_id < b.replica_id ? -1 : 1
    ),
  };
}

/** What is known of a replica that has ended. */
function goneFrom(last: Announcement): Announcement {
  return {
    ...last,
    state: "gone",
    reason: "it was not heard of any more",
    restore: null,
  };
}

/** Whether this replica equals the others; null if there are none to tell. */
function selfEqual(
  id: string,
  peers: readonly Peer[],
  equality: Equality,
  alone: string | null,
): boolean | null {
  if (alone !== null) return alone !== id;
  if (equality.diverged) return false;
  return peers.some((peer) => equality.equals(peer) === true) ? true : null;
}

/** What of a row is not in the announcement. */
interface Seen {
  readonly self: boolean;
  /** Of this replica alone: whether it can propose to the log. */
  readonly connected: boolean | null;
  readonly equal: boolean | null;
  readonly comparedAt: number | null;
  readonly heard_ms_ago: number;
}

function row(one: Announcement, seen: Seen) {
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
    heard_ms_ago: Math.round(seen.heard_ms_ago),
  };
}
