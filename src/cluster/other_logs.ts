/**
 * Who follows another log under the names of this replica's log: two logs where
 * there should be one, each with a part of the sets. It does no I/O.
 *
 * @module
 */
import type { Member } from "./members.ts";

/** Who follows another log, and which. */
export interface OtherLog {
  /** As in "replica b" or "peer http://…". */
  readonly follower: string;
  readonly logId: string;
}

/** What replicas and peers say of their logs. */
export class OtherLogs {
  /** The log of each peer that answered last time, by its name. */
  readonly #peers = new Map<string, string>();
  /** What was found last. */
  #known: readonly OtherLog[] = [];

  /**
   * Takes what a configured peer says.
   *
   * @param logId Its log; undefined if it does not answer or holds none.
   */
  peerSaid(peer: string, logId: string | undefined): void {
    if (logId === undefined) this.#peers.delete(peer);
    else this.#peers.set(peer, logId);
  }

  /**
   * @param ownId This replica's log; undefined before it is open.
   * @param members The other replicas.
   * @returns All that follow another one, in the order of their names.
   */
  list(ownId: string | undefined, members: readonly Member[]): OtherLog[] {
    if (ownId === undefined) return [];
    const replicas = members
      // One that makes the log from a file may be about to make it this one.
      .filter(({ isGone, heartbeat: { state } }) =>
        !isGone && state !== "healing"
      )
      .map(({ heartbeat: { replica_id, log_id } }) =>
        [`replica ${replica_id}`, log_id] as const
      );
    const peers = [...this.#peers]
      .map(([peer, logId]) => [`peer ${peer}`, logId] as const);
    return [...replicas, ...peers].flatMap(([follower, logId]) =>
      logId === null || logId === ownId ? [] : { follower, logId }
    ).sort((a, b) => a.follower < b.follower ? -1 : 1);
  }

  /** @returns Those of a list that were not in the list before. */
  news(list: readonly OtherLog[]): OtherLog[] {
    const known = this.#known;
    this.#known = list;
    return list.filter(({ follower, logId }) =>
      !known.some((one) => one.follower === follower && one.logId === logId)
    );
  }
}
