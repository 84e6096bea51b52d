/**
 * What an engine tells of the other replicas that share its log.
 *
 * @module
 */

/**
 * A replica that NATS did not answer tries to connect again after so long at
 * most. Replicas that come back to a broker together rely on it: whoever is
 * first listens for longer before it goes on.
 */
export const RECONNECT_MS = 150;

/**
 * One heartbeat in the forms that it is sent in. Which of them is true is known
 * where the connection is.
 */
export interface HeartbeatForms {
  /**
   * Sent while this replica may propose to its log; undefined if it takes no sets
   * anyway.
   */
  readonly admitted: Uint8Array<ArrayBuffer> | undefined;
  /** Sent while its log is known to be the same. */
  readonly sure: Uint8Array<ArrayBuffer>;
  /** Sent otherwise; undefined for nothing. */
  readonly unsure: Uint8Array<ArrayBuffer> | undefined;
}

/** Gets the other replicas' heartbeats. */
export interface MembersListener {
  /**
   * Others can be heard from now on, over a new connection.
   *
   * @param wasAway Whether it took more than one attempt.
   */
  joined(wasAway: boolean): void;
  /** The connection that carried the heartbeats is lost: no one is heard. */
  left(): void;
  /** Someone sent a heartbeat: anyone, this replica included. */
  heard(replicaId: string, bytes: Uint8Array<ArrayBuffer>): void;
  /** Heartbeats were dropped unread: too large, or too many. */
  dropped(count: number): void;
  /** No one is heard, or hears this replica: NATS does not allow it. */
  off(reason: string): void;
  /** NATS allows it again. */
  on(): void;
}
