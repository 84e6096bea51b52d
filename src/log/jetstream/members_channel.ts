/**
 * Where replicas announce themselves, and how much of it is listened to. It
 * does no I/O. What the announcements say is none of the log's business.
 *
 * @module
 */

/** The most bytes of an announcement that are passed on. */
const ANNOUNCEMENT_BYTES_MAX = 4096;

/** The most announcements passed on in an interval: 64 replicas, each 8 times. */
const HEARD_MAX = 512;
const HEARD_INTERVAL_MS = 2_000;

/** What an engine tells of the other replicas' presence. */
export interface PresenceListener {
  /** Something was announced, by anyone, this replica included. */
  heard(replicaId: string, bytes: Uint8Array<ArrayBuffer>): void;
  /** Announcements were dropped unread: too large, or too many. */
  dropped(count: number): void;
  /** No one is heard, or hears this replica, until it is started anew. */
  off(reason: string): void;
}

/**
 * The subject on which a replica announces itself. It is outside the subjects
 * that a stream may have: those begin with the stream's name and a dot.
 *
 * @param stream The stream's name.
 * @param replicaId The replica; `*` for all.
 */
export function presenceSubject(stream: string, replicaId: string): string {
  return `${stream.toLowerCase()}-replicas.${replicaId}`;
}

/** Bounds what is passed on: anyone may announce as fast as they can. */
export class PresenceGate {
  #intervalEnd = 0;
  #heard = 0;
  #dropped = 0;

  /**
   * @param bytes How large an announcement is.
   * @param now The time in milliseconds.
   * @returns Whether it may be passed on.
   */
  admits(bytes: number, now: number): boolean {
    if (now >= this.#intervalEnd) {
      this.#intervalEnd = now + HEARD_INTERVAL_MS;
      this.#heard = 0;
    }
    if (bytes > ANNOUNCEMENT_BYTES_MAX || this.#heard >= HEARD_MAX) {
      this.#dropped++;
      return false;
    }
    this.#heard++;
    return true;
  }

  /** @returns How many were dropped since the last time. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
