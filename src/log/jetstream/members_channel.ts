/**
 * The replicas' heartbeats, over the connection of the log. The log does not
 * read what they say.
 *
 * @module
 */
import type { NatsConnection, Subscription } from "nats";
import type { MembersListener } from "../members.ts";

/** The most bytes of a heartbeat that are passed on. */
const HEARTBEAT_BYTES_MAX = 4096;

/** The most heartbeats passed on in an interval: 64 replicas, each 8 times. */
const HEARD_MAX = 512;
const HEARD_INTERVAL_MS = 2_000;

/** After how long what NATS does not allow is tried again; it logs each try. */
const ALLOWED_RETRY_MS = 60_000;

/**
 * The subject of a replica's heartbeats. It is outside the subjects
 * that a stream may have: those begin with the stream's name and a dot.
 *
 * @param stream The stream's name.
 * @param replicaId The replica; `*` for all.
 */
function membersSubject(stream: string, replicaId: string): string {
  return `${stream.toLowerCase()}-replicas.${replicaId}`;
}

/** Sends this replica's heartbeats and passes on the others'. */
export class MembersChannel {
  readonly #subject: string;
  readonly #allSubjects: string;
  readonly #gate = new HeartbeatGate();
  #connection: NatsConnection | undefined;
  #subscription: Subscription | undefined;
  /** When what NATS does not allow is tried again; undefined while it allows all. */
  #tryAt_ms: number | undefined;
  /** What was sent last: when it comes back, NATS allows all. */
  #sent: Uint8Array = new Uint8Array(0);

  /**
   * @param stream The stream's name.
   * @param replicaId This replica.
   * @param listener Gets what comes.
   * @param retry_ms After how long what NATS does not allow is tried again.
   */
  constructor(
    stream: string,
    replicaId: string,
    private readonly listener: MembersListener,
    private readonly retry_ms = ALLOWED_RETRY_MS,
  ) {
    this.#subject = membersSubject(stream, replicaId);
    this.#allSubjects = membersSubject(stream, "*");
  }

  /**
   * Listens on a new connection.
   *
   * @param wasAway Whether it took more than one attempt.
   */
  attach(connection: NatsConnection, wasAway: boolean): void {
    this.#connection = connection;
    // The server may have another configuration by now.
    if (this.#tryAt_ms !== undefined) this.#tryAt_ms = -Infinity;
    this.#listen(connection);
    this.listener.joined(wasAway);
    connection.closed().then(() => this.listener.left());
  }

  #listen(connection: NatsConnection): void {
    const start = this.#allSubjects.length - 1;
    this.#subscription = connection.subscribe(this.#allSubjects, {
      callback: (error, { subject, data }) => {
        if (error !== null) return; // The connection's status says it too.
        if (!this.#gate.admits(data.length, performance.now())) return;
        if (subject === this.#subject) this.#cameBack(data);
        // A copy: the message's bytes are part of a larger buffer.
        this.listener.heard(subject.slice(start), Uint8Array.from(data));
      },
    });
  }

  /** Sends a heartbeat, if there is a connection. */
  send(bytes: Uint8Array): void {
    const connection = this.#connection;
    if (connection?.isClosed() !== false) return;
    if (this.#tryAt_ms !== undefined) {
      const now_ms = performance.now();
      if (now_ms < this.#tryAt_ms) return;
      this.#tryAt_ms = now_ms + this.retry_ms;
      // The server has forgotten a subscription that it did not allow.
      this.#subscription?.unsubscribe();
      this.#listen(connection);
    }
    this.#sent = bytes;
    connection.publish(this.#subject, bytes);
  }

  /**
   * The server does not allow to publish or subscribe to a subject. The
   * replica works, and the others do not see it.
   *
   * @returns Whether it is one of this channel's.
   */
  forbidden(subject: string): boolean {
    if (subject !== this.#subject && subject !== this.#allSubjects) {
      return false;
    }
    if (this.#tryAt_ms === undefined) {
      this.#tryAt_ms = performance.now() + this.retry_ms;
      const what = subject === this.#subject ? "publish" : "subscribe";
      this.listener.off(
        `NATS does not allow to ${what} to ${subject}: allow it for this replica's user, as src/OPERATIONS.md lists`,
      );
    }
    return true;
  }

  /** A heartbeat has come on this replica's subject: anyone's, or its own. */
  #cameBack(bytes: Uint8Array): void {
    const sent = this.#sent;
    if (
      this.#tryAt_ms === undefined || bytes.length !== sent.length ||
      !bytes.every((byte, i) => byte === sent[i])
    ) return;
    this.#tryAt_ms = undefined;
    this.listener.on();
  }

  /** Says how much was dropped. To be called a few times a second. */
  tick(): void {
    const dropped = this.#gate.takeDropped();
    if (dropped > 0) this.listener.dropped(dropped);
  }
}

/** Bounds what is passed on: anyone may send as fast as they can. */
export class HeartbeatGate {
  #intervalEnd_ms = 0;
  #heard = 0;
  #dropped = 0;

  /**
   * @param bytes How large a heartbeat is.
   * @param now_ms The time in milliseconds.
   * @returns Whether it may be passed on.
   */
  admits(bytes: number, now_ms: number): boolean {
    if (now_ms >= this.#intervalEnd_ms) {
      this.#intervalEnd_ms = now_ms + HEARD_INTERVAL_MS;
      this.#heard = 0;
    }
    if (bytes > HEARTBEAT_BYTES_MAX || this.#heard >= HEARD_MAX) {
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
