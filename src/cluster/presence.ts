/**
 * Which other replicas there are. It does no I/O, and knows no clock but the
 * one of its caller: those of two machines are never compared.
 *
 * @module
 */
import type { Announcement } from "./announcement.ts";

/** After how long without a word a replica is gone: five announcements missed. */
export const GONE_AFTER_MS = 10_000;

/** After how long without a word a replica is forgotten. */
export const FORGOTTEN_AFTER_MS = 300_000;

/** The most other replicas that are remembered. */
export const PEERS_MAX = 64;

/** Another replica, as it was last heard of. */
export interface Peer {
  readonly announcement: Announcement;
  /** How long ago that was, in milliseconds. */
  readonly heard_ms_ago: number;
  /** Whether it is taken to have ended. */
  readonly isGone: boolean;
}

/** The other replicas of the cluster. */
export class Presence {
  /** In the order of `heardAt`, the longest ago first. */
  readonly #heard = new Map<
    string,
    { announcement: Announcement; heardAt: number }
  >();

  /**
   * Takes an announcement of another replica.
   *
   * @param now The time in milliseconds, never less than before.
   * @returns Whether it is remembered: there may be too many replicas.
   */
  hear(announcement: Announcement, now: number): boolean {
    const id = announcement.replica_id;
    if (!this.#heard.has(id) && !this.#makeRoom(now)) return false;
    this.#heard.delete(id);
    this.#heard.set(id, { announcement, heardAt: now });
    return true;
  }

  /** Whether one more fits, with the one forgotten that is gone the longest. */
  #makeRoom(now: number): boolean {
    if (this.#heard.size < PEERS_MAX) return true;
    const [[id, { heardAt }]] = this.#heard;
    if (now - heardAt <= GONE_AFTER_MS) return false;
    return this.#heard.delete(id);
  }

  /** @returns All replicas that are not forgotten, in the order of their ids. */
  peers(now: number): Peer[] {
    const peers: Peer[] = [];
    for (const [id, { announcement, heardAt }] of this.#heard) {
      const heard_ms_ago = now - heardAt;
      if (heard_ms_ago > FORGOTTEN_AFTER_MS) {
        this.#heard.delete(id);
      } else {
        const isGone = heard_ms_ago > GONE_AFTER_MS;
        peers.push({ announcement, heard_ms_ago, isGone });
      }
    }
    return peers.sort((a, b) =>
      a.announcement.replica_id < b.announcement.replica_id ? -1 : 1
    );
  }
}
