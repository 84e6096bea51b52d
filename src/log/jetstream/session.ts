/**
 * One replica's session with its log: connecting, following the log, proposing
 * to it, and telling how it is. Events and the time go in, actions come out; it
 * does no I/O, so that a simulation runs the very decisions that production
 * runs.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";
import type { EntryVersion } from "../change.ts";
import { type LogStatus, NotStoredError } from "../log.ts";
import type { HeartbeatForms } from "../members.ts";
import { Admission } from "./admission.ts";
import { Commits } from "./commits.ts";
import type { EntryFeed } from "./entry_feed.ts";
import type { FeedMessage } from "./feed_message.ts";
import type { KnownLog } from "./known_log.ts";
import { Link } from "./link.ts";
import { LogFollower } from "./log_follower.ts";
import { LogOpener } from "./log_opener.ts";
import type { OpeningOptions } from "./opening.ts";
import { Requests } from "./requests.ts";
import type { StreamLook } from "./stream_look.ts";
import type { SessionAction } from "./session_actions.ts";
import type {
  Connected,
  Disconnected,
  SessionEvent,
} from "./session_events.ts";
import { SessionOutput } from "./session_output.ts";
import { ownSubjects } from "./subjects.ts";

/** How a session is set up. */
export interface SessionOptions {
  readonly stream: string;
  readonly replicaId: string;
  readonly commitTimeout_ms: number;
  /** Begins the message ids of this session: no other session has it. */
  readonly session: string;
}

/** The decisions of one session. */
export class Session {
  readonly #output = new SessionOutput();
  readonly #link = new Link();
  readonly #commits: Commits;
  readonly #requests = new Requests();
  readonly #admission = new Admission();
  readonly #opening: OpeningOptions;
  readonly #opener: LogOpener;
  /** Undefined until the log is open; it takes over from the opener. */
  #follower: LogFollower | undefined;
  #isClosed = false;

  constructor(
    { stream, replicaId, commitTimeout_ms, session }: SessionOptions,
  ) {
    this.#commits = new Commits(
      session,
      ownSubjects(stream, replicaId),
      commitTimeout_ms,
      (action) => this.#output.do(action),
    );
    this.#opening = {
      stream,
      commitTimeout_ms,
      newLogId: session.slice(0, 16),
    };
    this.#opener = new LogOpener(
      this.#opening,
      this.feed,
      this.#requests,
      this.#output,
      this.#admission,
    );
  }

  /** What the log gives. */
  get feed(): EntryFeed {
    return this.#commits.feed;
  }

  /** How the log is. */
  get status(): LogStatus {
    return this.#output.status;
  }

  /** Whether the log is known to be the same: on the way back it is not yet. */
  get isSure(): boolean {
    return this.#link.isUp && this.#follower?.isSure !== false;
  }

  /** @returns What this replica may tell the others; undefined for nothing. */
  toTell(forms: HeartbeatForms): Uint8Array<ArrayBuffer> | undefined {
    if (!this.isSure) return forms.unsure;
    const admitted = this.status.state === "connected"
      ? forms.admitted
      : undefined;
    return admitted ?? forms.sure;
  }

  get #stage(): LogOpener | LogFollower {
    return this.#follower ?? this.#opener;
  }

  /** @returns What is to be done since the last time, in this order. */
  takeActions(): readonly SessionAction[] {
    return this.#output.takeActions();
  }

  /** Takes an event. */
  handle(event: SessionEvent, now_ms: number): void {
    if (this.#isClosed) return;
    switch (event.type) {
      case "connected":
        return this.#connected(event, now_ms);
      case "disconnected":
        return this.#disconnected(event, now_ms);
      case "looked":
        return this.#looked(event.request, event.look, now_ms);
      case "consumer_started":
        return this.#follower!.consumerStarted(event, now_ms);
      case "failed":
        return this.#stage.failed(event.request, event.reason, now_ms);
      case "refused":
        if (!this.#commits.refused(event.batch, event.reason, now_ms)) return;
        return this.#follower?.lookAside(now_ms, true);
      case "unsent":
        return this.#commits.unsent(event.batch, event.reason);
      case "forbidden":
        return this.#forbidden(event.subject, now_ms);
      case "complained":
        return this.#follower?.recover(`NATS refuses: ${event.reason}`, now_ms);
      case "find":
        if (this.#follower === undefined) this.#opener.find(now_ms);
        return;
      case "open":
        // Nothing is to be opened any more once the log is open.
        if (this.#follower === undefined) this.#opener.open(event.id, now_ms);
        return;
      case "consume":
        return this.#follower!.consume(event.after, event.time, now_ms);
      case "trimmed":
        return this.#follower?.lookAside(now_ms);
      case "others_heard":
        return this.#follower?.othersHeard(event.hearing, now_ms);
      case "healed":
        return this.#follower?.healed(now_ms);
      case "close":
        this.#isClosed = true;
        return this.#commits.abandon("The log was closed");
    }
  }

  /** Does what is due. To be called some ten times a second. */
  tick(now_ms: number): void {
    if (this.#isClosed) return;
    this.#commits.expire(now_ms);
    const attempt = this.#link.tick(now_ms);
    if (attempt !== undefined) this.#output.do({ type: "connect", attempt });
    this.#stage.tick(now_ms);
  }

  /** Takes a message of the consumer. Hot: once for each entry. */
  receive(message: FeedMessage, now_ms: number): void {
    this.#follower!.receive(message, now_ms);
  }

  /**
   * Proposes a batch, as `ReplicatedLog.propose` does.
   *
   * @returns Its end.
   */
  propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    now_ms: number,
    version: EntryVersion = 1,
  ): Promise<void> {
    // What is published while NATS is away would be dropped unseen.
    if (this.#isClosed || this.status.state !== "connected") {
      return Promise.reject(new NotStoredError(this.status.reason));
    }
    return this.#commits.propose(batch, payload, version, now_ms);
  }

  /**
   * The log as it is known.
   *
   * @throws {UnavailableError} If it is not open.
   */
  get log(): KnownLog {
    if (this.#follower === undefined) {
      throw new UnavailableError("The log is not open yet");
    }
    return this.#follower.log;
  }

  #connected(event: Connected, now_ms: number): void {
    if (!this.#link.connected(event.attempt)) return;
    this.#admission.connected(event.serverId);
    if (this.#follower === undefined) this.#opener.connected(now_ms);
    else this.#follower.connected(event.serverVersion, now_ms);
  }

  #looked(request: number, look: StreamLook | undefined, now_ms: number): void {
    if (this.#follower !== undefined) {
      return this.#follower.looked(request, look, now_ms);
    }
    const log = this.#opener.looked(request, look, now_ms);
    if (log === undefined) return;
    this.#follower = new LogFollower(
      log,
      this.#opening,
      this.#commits,
      this.#requests,
      this.#admission,
      this.#output,
    );
  }

  #disconnected(
    { attempt, reason, isRefused }: Disconnected,
    now_ms: number,
  ): void {
    const wasUp = this.#link.isUp;
    if (!this.#link.disconnected(attempt, isRefused, now_ms)) return;
    this.#stage.disconnected(
      wasUp ? `the connection to NATS is lost: ${reason}` : reason,
      now_ms,
    );
  }

  #forbidden(subject: string, now_ms: number): void {
    const reason = `NATS does not allow to publish to ${subject}`;
    if (this.#commits.forbidden(subject, reason, now_ms)) return;
    this.#stage.forbidden(
      `${reason}, which a replica needs: allow it for this replica's user, as src/OPERATIONS.md lists`,
      now_ms,
    );
  }
}
