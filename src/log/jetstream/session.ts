/**
 * One replica's session with its log: connecting, finding the stream, judging
 * whether it is still the log that was applied, starting consumers, and telling
 * how the log is. Events and the time go in, actions come out; it does no I/O,
 * so that a simulation runs the very decisions that production runs.
 *
 * Whatever goes wrong with the connection, the consumer or the stream, there is
 * one remedy: look at the stream, and if it is still the log that was applied,
 * start a new consumer after the last entry.
 *
 * @module
 */
import { type LogInfo, type LogStatus, NotStoredError } from "../log.ts";
import { type CommitChange, Commits } from "./commits.ts";
import type { EntryFeed, FeedMessage } from "./entry_feed.ts";
import { KnownLog } from "./known_log.ts";
import { Link, RETRY_MS } from "./link.ts";
import { Liveness } from "./liveness.ts";
import type { StreamLook, StreamQuestion } from "./same_log.ts";
import type { SessionAction, SessionEvent } from "./session_events.ts";
import { StatusTeller } from "./status_teller.ts";
import {
  HEADER_BYTES_MAX,
  PAYLOAD_BYTES_MIN,
  setSubject,
  settingsProblem,
} from "./stream_config.ts";

/**
 * After how long a request counts as failed that nothing is heard of. Longer
 * than its questions take to fail by themselves.
 */
export const ANSWER_MAX_MS = 10_000;

/** How often a log that does not recover by itself is looked at. */
export const AHEAD_LOOK_MS = 2_000;

/** How a session is set up. */
export interface SessionOptions {
  readonly stream: string;
  readonly replicaId: string;
  readonly commitTimeout_ms: number;
  /** Begins the message ids of this session: no other session has it. */
  readonly session: string;
}

/** What the session does now. */
type SessionState =
  /** NATS is not connected. */
  | { readonly type: "offline" }
  /** Nobody wants the log or its entries yet. */
  | { readonly type: "idle" }
  /** A request is under way. */
  | {
    readonly type: "asking";
    readonly request: number;
    readonly deadline_ms: number;
  }
  /** Something is wrong; it is looked again. */
  | { readonly type: "waiting"; readonly until_ms: number }
  /** A consumer gives entries. */
  | { readonly type: "feeding"; readonly liveness: Liveness }
  /** No entry comes any more until the replica is started anew. */
  | { readonly type: "over" };

const NO_ACTIONS: readonly SessionAction[] = [];

/** A look that only wants the stream's own state. */
const NO_ENTRIES: StreamQuestion = { identify: undefined, require: undefined };

/** The decisions of one session. */
export class Session {
  readonly #link = new Link();
  readonly #commits: Commits;
  readonly #teller = new StatusTeller();
  #state: SessionState = { type: "offline" };
  /** Undefined until the stream was found. */
  #log: KnownLog | undefined;
  /** What is wanted of the stream until it is open. */
  #wanted: "nothing" | "look" | "log" = "nothing";
  #isConsuming = false;
  #isClosed = false;
  #lastRequest = 0;
  /** A look while entries are fed. */
  #glance: { readonly request: number; readonly asked_ms: number } | undefined;
  #actions: SessionAction[] = [];

  constructor(private readonly options: SessionOptions) {
    const { stream, replicaId, commitTimeout_ms, session } = options;
    this.#commits = new Commits(
      session,
      setSubject(stream, replicaId),
      commitTimeout_ms,
      (action) => this.#do(action),
    );
  }

  /** What the log gives. */
  get feed(): EntryFeed {
    return this.#commits.feed;
  }

  /** How the log is. */
  get status(): LogStatus {
    return this.#teller.status;
  }

  /**
   * Whether this replica may tell others of itself. On the way back it is not
   * yet known whether the log is still the same.
   */
  get isSure(): boolean {
    return this.#link.isUp &&
      (!this.#isConsuming || this.#state.type === "feeding" ||
        this.status.state !== "away");
  }

  /** @returns What is to be done since the last time, in this order. */
  takeActions(): readonly SessionAction[] {
    if (this.#actions.length === 0) return NO_ACTIONS;
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Takes an event. */
  handle(event: SessionEvent, now_ms: number): void {
    if (this.#isClosed) return;
    switch (event.type) {
      case "connected":
        return this.#connected(event.attempt, now_ms);
      case "disconnected":
        return this.#disconnected(event.attempt, event.reason, now_ms);
      case "looked":
        return this.#looked(event.request, event.look, now_ms);
      case "consumer_started":
        return this.#consumerStarted(event.request, now_ms);
      case "failed":
        return this.#failed(event.request, event.reason, now_ms);
      case "refused":
        return this.#refused(event.batch, event.reason, now_ms);
      case "unsent":
        return this.#commits.unsent(event.batch, event.reason);
      case "forbidden":
        return this.#forbidden(event.subject, now_ms);
      case "complained":
        return this.#recover(`NATS refuses: ${event.reason}`, now_ms);
      case "find":
        return this.#want("look", now_ms);
      case "open":
        return this.#want("log", now_ms);
      case "consume":
        this.feed.startAfter(event.after, event.time);
        this.#isConsuming = true;
        if (this.#state.type === "idle") this.#look(now_ms);
        return;
      case "close":
        this.#isClosed = true;
        return this.#commits.abandon("The log was closed");
    }
  }

  #want(wanted: "look" | "log", now_ms: number): void {
    this.#wanted = wanted;
    if (this.#state.type === "idle") this.#look(now_ms);
  }

  /** Does what is due. To be called some ten times a second. */
  tick(now_ms: number): void {
    if (this.#isClosed) return;
    this.#commits.expire(now_ms);
    const attempt = this.#link.tick(now_ms);
    if (attempt !== undefined) this.#do({ type: "connect", attempt });
    const state = this.#state;
    if (state.type === "asking" && now_ms >= state.deadline_ms) {
      this.#log?.noAnswer();
      this.#tryAgain("NATS does not answer", now_ms);
    } else if (state.type === "waiting" && now_ms >= state.until_ms) {
      this.#look(now_ms);
    } else if (state.type === "feeding") {
      this.#tickFeeding(state.liveness, now_ms);
    }
  }

  #tickFeeding(liveness: Liveness, now_ms: number): void {
    const { feed } = this;
    if (liveness.isSilent(now_ms)) {
      return this.#recover("the log gives no sign of life", now_ms);
    }
    if (liveness.isStuck(feed.fed, !feed.isEmpty, now_ms)) {
      return this.#recover(
        `the log has entries up to ${liveness.end}, and none came after ${feed.fed}`,
        now_ms,
      );
    }
    if (liveness.isLookDue(now_ms)) this.#lookAside(now_ms);
    this.#commitsChanged(this.#commits.tick(now_ms), now_ms);
  }

  #commitsChanged(change: CommitChange, now_ms: number): void {
    if (this.#state.type !== "feeding") return;
    if (change === "recovered") {
      this.#setStatus("connected", "sets are taken again", now_ms);
    } else if (change === "stalled") {
      this.#setStatus("away", this.#commits.stall!, now_ms);
    }
  }

  /** Takes a message of the consumer. Hot: once for each entry. */
  receive(message: FeedMessage, now_ms: number): void {
    const state = this.#state;
    if (state.type === "over") return;
    if (state.type === "feeding") state.liveness.heard(now_ms);
    const { feed } = this;
    const { ownFed } = feed;
    const signal = feed.receive(message);
    if (signal === "gap") this.#recover("an entry is missing", now_ms);
    else if (signal === "unknown_version") {
      this.#do({ type: "stop_consumer" });
      this.#setStatus(
        "upgrade_required",
        `entry ${
          feed.fed + 1
        } has subject ${message.subject}, which this version does not know`,
        now_ms,
      );
      this.#state = { type: "over" };
    } else if (feed.ownFed !== ownFed) {
      this.#commitsChanged(this.#commits.committed(), now_ms);
    }
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
  ): Promise<void> {
    // What is published while NATS is away would be dropped unseen.
    if (this.#isClosed || this.status.state !== "connected") {
      return Promise.reject(new NotStoredError(this.status.reason));
    }
    return this.#commits.propose(batch, payload, now_ms);
  }

  #do(action: SessionAction): void {
    this.#actions.push(action);
  }

  #connected(attempt: number, now_ms: number): void {
    if (!this.#link.connected(attempt) || this.#state.type === "over") return;
    this.#commits.reconnected();
    const isWanted = this.#log === undefined
      ? this.#wanted !== "nothing"
      : this.#isConsuming;
    if (isWanted) this.#look(now_ms);
    else this.#state = { type: "idle" };
  }

  #disconnected(attempt: number, reason: string, now_ms: number): void {
    const wasUp = this.#link.isUp;
    if (!this.#link.disconnected(attempt, now_ms)) return;
    if (this.#state.type === "over") return;
    this.#state = { type: "offline" };
    this.#setStatus(
      "away",
      wasUp ? `the connection to NATS is lost: ${reason}` : reason,
      now_ms,
    );
  }

  /** @returns The number of a request, which is waited for. */
  #ask(now_ms: number): number {
    const request = ++this.#lastRequest;
    const deadline_ms = now_ms + ANSWER_MAX_MS;
    this.#state = { type: "asking", request, deadline_ms };
    return request;
  }

  #look(now_ms: number): void {
    const question = this.#isConsuming && this.#log !== undefined
      ? this.#log.ask()
      : NO_ENTRIES;
    this.#do({ type: "look", request: this.#ask(now_ms), question });
  }

  /** Looks at the stream while entries are fed. */
  #lookAside(now_ms: number): void {
    this.#log!.ask();
    const request = ++this.#lastRequest;
    this.#glance = { request, asked_ms: now_ms };
    this.#do({ type: "look", request, question: NO_ENTRIES });
  }

  #isAwaited(request: number): boolean {
    return this.#state.type === "asking" && this.#state.request === request;
  }

  #looked(
    request: number,
    look: StreamLook | undefined,
    now_ms: number,
  ): void {
    const state = this.#state;
    if (request === this.#glance?.request) {
      const { asked_ms } = this.#glance;
      this.#glance = undefined;
      if (state.type !== "feeding") return;
      if (look !== undefined) {
        state.liveness.saw(look.lastSequence, now_ms);
        this.#commits.sawEnd(asked_ms, look.lastSequence);
      }
      const problem = this.#log!.problem(look) ??
        (look && this.#settingsProblem(look));
      if (problem !== undefined) this.#recover(problem, now_ms);
      else this.#noteLimits(look!);
    } else if (this.#isAwaited(request)) {
      if (this.#log === undefined) this.#open(look, now_ms);
      else this.#judge(this.#log, look, now_ms);
    }
  }

  #noteLimits({ firstSequence, lastSequence, maxPayload_bytes }: StreamLook) {
    const entryBytesMax = Math.max(0, maxPayload_bytes - HEADER_BYTES_MAX);
    this.#do({
      type: "limits",
      limits: { id: this.#log!.id, firstSequence, lastSequence, entryBytesMax },
    });
  }

  #open(look: StreamLook | undefined, now_ms: number): void {
    if (this.#wanted === "look") {
      this.#wanted = "nothing";
      this.#state = { type: "idle" };
      const info = look && this.#infoOf(look, new KnownLog(look, this.feed));
      return this.#do({ type: "found", info });
    }
    if (look === undefined) {
      return this.#do({
        type: "make_stream",
        request: this.#ask(now_ms),
        id: this.#newLogId,
      });
    }
    const { lastSequence, maxPayload_bytes } = look;
    const wrong = this.#settingsProblem(look) ??
      (maxPayload_bytes < PAYLOAD_BYTES_MIN
        ? `Cannot use the NATS server: its max_payload is ${maxPayload_bytes} and must be at least ${PAYLOAD_BYTES_MIN}`
        : undefined);
    if (wrong !== undefined) return this.#tryAgain(wrong, now_ms);
    this.#log = new KnownLog(look, this.feed);
    this.feed.noteLastSequence(lastSequence);
    this.#state = { type: "idle" };
    this.#do({ type: "opened", info: this.#infoOf(look, this.#log) });
  }

  #infoOf(
    { firstSequence, lastSequence }: StreamLook,
    { id }: KnownLog,
  ): LogInfo {
    const isNew = id === this.#newLogId;
    return { id, isNew, firstSequence, lastSequence };
  }

  /** The identity of a log that this session makes. */
  get #newLogId(): string {
    return this.options.session.slice(0, 16);
  }

  #settingsProblem({ config }: StreamLook): string | undefined {
    const { stream, commitTimeout_ms } = this.options;
    return settingsProblem(config, stream, commitTimeout_ms);
  }

  /** Goes on if the stream is still the log that was applied. */
  #judge(
    log: KnownLog,
    look: StreamLook | undefined,
    now_ms: number,
  ): void {
    const verdict = log.judge(look, now_ms);
    switch (verdict.type) {
      case "same":
        this.#teller.notAhead();
        this.#noteLimits(look!);
        if (verdict.lostId) this.#do({ type: "write_identity", id: log.id });
        return this.#startConsumer(look!, now_ms);
      case "doubtful":
        return this.#tryAgain(verdict.reason, now_ms);
      case "hole":
        this.#teller.notAhead();
        return this.#tryAgain(verdict.reason, now_ms, AHEAD_LOOK_MS);
      case "ahead":
        this.#do({ type: "stop_consumer" });
        this.#setStatus("ahead_of_log", verdict.reason, now_ms);
        this.#commits.abandon(verdict.reason);
        this.#state = { type: "waiting", until_ms: now_ms + AHEAD_LOOK_MS };
    }
  }

  #startConsumer(look: StreamLook, now_ms: number): void {
    this.feed.noteLastSequence(look.lastSequence);
    if (look.identified !== undefined) this.feed.noteLast(look.identified);
    // Before anything is published again: what was right may have been edited.
    const wrong = this.#settingsProblem(look);
    if (wrong !== undefined) return this.#tryAgain(wrong, now_ms);
    this.#do({
      type: "start_consumer",
      request: this.#ask(now_ms),
      first: this.feed.fed + 1,
    });
  }

  #consumerStarted(request: number, now_ms: number): void {
    if (!this.#isAwaited(request)) return;
    const liveness = new Liveness(this.feed.fed, now_ms);
    this.#state = { type: "feeding", liveness };
    const { stall } = this.#commits;
    if (stall === undefined) {
      this.#setStatus("connected", "entries are coming", now_ms);
    } else this.#setStatus("away", stall, now_ms);
    this.#commits.publishAgain(now_ms);
  }

  #failed(request: number, reason: string, now_ms: number): void {
    if (request === this.#glance?.request) {
      // The heartbeats tell when the stream is gone or the broker away.
      this.#glance = undefined;
    } else if (this.#isAwaited(request)) {
      this.#log?.noAnswer();
      this.#tryAgain(reason, now_ms);
    }
  }

  #tryAgain(reason: string, now_ms: number, wait_ms = RETRY_MS): void {
    this.#state = { type: "waiting", until_ms: now_ms + wait_ms };
    this.#setStatus("away", reason, now_ms);
  }

  /** Looks at the stream and starts a new consumer. */
  #recover(reason: string, now_ms: number): void {
    if (this.#state.type !== "feeding") return;
    this.#setStatus("away", reason, now_ms);
    this.#look(now_ms);
  }

  #refused(batch: number, reason: string, now_ms: number): void {
    if (
      this.#commits.refused(batch, reason, now_ms) &&
      this.#state.type === "feeding"
    ) this.#lookAside(now_ms);
  }

  #forbidden(subject: string, now_ms: number): void {
    const reason = `NATS does not allow to publish to ${subject}`;
    if (this.#commits.forbidden(subject, reason, now_ms)) return;
    const need = `${reason}, which a replica needs`;
    if (this.#state.type === "asking") this.#tryAgain(need, now_ms);
    else this.#recover(need, now_ms);
  }

  #setStatus(state: LogStatus["state"], reason: string, now_ms: number): void {
    const status = this.#teller.change(state, reason, now_ms);
    if (status !== undefined) this.#do({ type: "status", status });
  }
}
