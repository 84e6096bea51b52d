/**
 * The replicas' heartbeats, over the connection of the log. The log does not
 * read what they say.
 *
 * @module
 */
import type { NatsConnection } from "nats";
import type { MembersListener } from "../members.ts";

/** The most bytes of a heartbeat that are passed on. */
const HEARTBEAT_BYTES_MAX = 4096;

/** The most heartbeats passed on in an interval: 64 replicas, each 8 times. */
const HEARD_MAX = 512;
const HEARD_INTERVAL_MS = 2_000;

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
  #isOff = false;

  /**
   * @param stream The stream's name.
   * @param replicaId This replica.
   * @param listener Gets what comes.
   */
  constructor(
    stream: string,
    replicaId: string,
    private readonly listener: MembersListener,
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
    const start = this.#allSubjects.length - 1;
    connection.subscribe(this.#allSubjects, {
      callback: (error, { subject, data }) => {
        if (error !== null) return; // The connection's status says it too.
        if (!this.#gate.admits(data.length, performance.now())) return;
        // A copy: the message's bytes are part of a larger buffer.
        this.listener.heard(subject.slice(start), Uint8Array.from(data));
      },
    });
    this.listener.joined(wasAway);
    connection.closed().then(() => this.listener.left());
  }

  /** Sends a heartbeat, if there is a connection. */
  send(bytes: Uint8Array): void {
    if (this.#isOff || this.#connection?.isClosed() !== false) return;
    this.#connection.publish(this.#subject, bytes);
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
    if (!this.#isOff) {
      this.#isOff = true;
      this.listener.off(
        subject === this.#subject
          ? `NATS does not allow to publish to ${subject}`
          : `NATS does not allow to subscribe to ${subject}`,
      );
    }
    return true;
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
