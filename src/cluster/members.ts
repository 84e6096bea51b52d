/**
 * The other replicas of the cluster. It does no I/O. Times come from the
 * caller's clock; the clocks of two machines are never compared.
 *
 * @module
 */
import type { Heartbeat } from "./heartbeat.ts";

/** A replica that is silent for longer is gone: five heartbeats are missing. */
export const GONE_AFTER_MS = 10_000;

/**
 * How long a connection that carries nothing any more may look alive: the
 * server misses two pings, 5 s apart.
 */
const UNNOTICED_MS = 15_000;

/** A replica that is silent for longer is forgotten. */
export const FORGOTTEN_AFTER_MS = 300_000;

/** The most other replicas that are remembered. */
export const MEMBERS_MAX = 64;

/** The most holders of states that a start remembers: replicas, and as many peers. */
export const HOLDERS_MAX = 2 * MEMBERS_MAX;

/** States in which a replica has taken over no state yet. */
export const EMPTY_STATES: readonly string[] = ["starting", "restoring"];

/** Another replica, with its last heartbeat. */
export interface Member {
  readonly heartbeat: Heartbeat;
  /** How long ago the heartbeat arrived. */
  readonly heardAgo_ms: number;
  /** Whether it is silent for so long that it has probably ended. */
  readonly isGone: boolean;
}

/** Remembers the other replicas by their heartbeats. */
export class Members {
  /** In the order of `heardAt_ms`, the oldest first. */
  readonly #heard = new Map<
    string,
    { heartbeat: Heartbeat; heardAt_ms: number }
  >();

  /**
   * Takes a heartbeat of another replica.
   *
   * @param heartbeat The heartbeat.
   * @param now_ms The time in milliseconds; it must not go back.
   * @returns Whether the replica is remembered; false if there are too many.
   */
  hear(heartbeat: Heartbeat, now_ms: number): boolean {
    const id = heartbeat.replica_id;
    if (!this.#heard.has(id) && !this.#makeRoom(now_ms)) return false;
    this.#heard.delete(id);
    this.#heard.set(id, { heartbeat, heardAt_ms: now_ms });
    return true;
  }

  /** @returns Whether this start of the replica was heard before. */
  knows({ replica_id, session }: Heartbeat): boolean {
    return this.#heard.get(replica_id)?.heartbeat.session === session;
  }

  /**
   * @param now_ms When the connection is lost, or a moment while it stands.
   * @returns The ids of those that were there when the last of them was heard,
   * and did not say that they stop. The connection may have carried nothing
   * since then.
   */
  present(now_ms: number): string[] {
    const members = [...this.#heard];
    const last_ms = members.at(-1)?.[1].heardAt_ms ?? -Infinity;
    const from_ms = Math.max(last_ms, now_ms - UNNOTICED_MS) - GONE_AFTER_MS;
    return members
      .filter(([, { heartbeat, heardAt_ms }]) =>
        heardAt_ms >= from_ms && heartbeat.state !== "draining"
      )
      .map(([id]) => id);
  }

  /**
   * @param now_ms The time in milliseconds; it must not go back.
   * @returns The ids of those that are there, have a state and do not leave.
   */
  holders(now_ms: number): string[] {
    return this.list(now_ms)
      .filter(({ isGone, heartbeat: { state } }) =>
        !isGone && state !== "draining" && !EMPTY_STATES.includes(state)
      )
      .map(({ heartbeat }) => heartbeat.replica_id);
  }

  /** Whether one more fits; forgets the replica that is gone longest if needed. */
  #makeRoom(now_ms: number): boolean {
    if (this.#heard.size < MEMBERS_MAX) return true;
    const [[id, { heardAt_ms }]] = this.#heard;
    if (now_ms - heardAt_ms <= GONE_AFTER_MS) return false;
    return this.#heard.delete(id);
  }

  /**
   * @param now_ms The time in milliseconds; it must not go back.
   * @returns All replicas that are not forgotten, in the order of their ids.
   */
  list(now_ms: number): Member[] {
    const members: Member[] = [];
    for (const [id, { heartbeat, heardAt_ms }] of this.#heard) {
      const heardAgo_ms = now_ms - heardAt_ms;
      if (heardAgo_ms > FORGOTTEN_AFTER_MS) {
        this.#heard.delete(id);
      } else {
        const isGone = heardAgo_ms > GONE_AFTER_MS;
        members.push({ heartbeat, heardAgo_ms, isGone });
      }
    }
    return members.sort((a, b) =>
      a.heartbeat.replica_id < b.heartbeat.replica_id ? -1 : 1
    );
  }
}
