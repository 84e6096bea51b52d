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
import { LogFailedError, type LogStatus, NotStoredError } from "../log.ts";
import { EntryFeed, type FeedMessage } from "./entry_feed.ts";
import { KnownLog } from "./known_log.ts";
import { Link, RETRY_MS } from "./link.ts";
import { Liveness } from "./liveness.ts";
import { Proposals } from "./proposals.ts";
import type { StreamLook } from "./same_log.ts";
import type {
  Connected,
  Disconnected,
  SessionAction,
  SessionEvent,
  Trouble,
} from "./session_events.ts";
import {
  logIdentity,
  PAYLOAD_BYTES_MIN,
  setSubject,
  settingsProblem,
} from "./stream_config.ts";

/**
 * After how long a request counts as failed that nothing is heard of. Longer
 * than its questions take to fail by themselves.
 */
export const ANSWER_MAX_MS = 10_000;

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
  /** The stream was found, and nobody wants entries yet. */
  | { readonly type: "idle" }
  /** A request is under way. */
  | {
    readonly type: "asking";
    readonly request: number;
    readonly deadline_ms: number;
  }
  /** Something failed; it is tried again. */
  | { readonly type: "waiting"; readonly until_ms: number }
  /** A consumer gives entries. */
  | { readonly type: "feeding"; readonly liveness: Liveness }
  /** No entry comes any more until the replica is started anew. */
  | { readonly type: "over" };

const NO_ACTIONS: readonly SessionAction[] = [];

/** A look that only wants the stream's own state. */
const NO_ENTRIES = { identify: undefined, require: undefined } as const;

/** The decisions of one session. */
export class Session {
  readonly proposals: Proposals;
  readonly feed: EntryFeed;
  readonly #link = new Link();
  readonly #subject: string;
  #state: SessionState = { type: "offline" };
  #status: LogStatus = { state: "away", reason: "the log is not open yet" };
  /** Undefined until the stream was found. */
  #log: KnownLog | undefined;
  #isConsuming = false;
  #isClosed = false;
  #lastRequest = 0;
  /** The request of a look while entries are fed. */
  #glance: number | undefined;
  #actions: SessionAction[] = [];

  constructor(private readonly options: SessionOptions) {
    const { stream, replicaId, commitTimeout_ms, session } = options;
    this.#subject = setSubject(stream, replicaId);
    this.proposals = new Proposals(commitTimeout_ms);
    this.feed = new EntryFeed(session, this.#subject, this.proposals);
  }

  /** How the log is. */
  get status(): LogStatus {
    return this.#status;
  }

  /**
   * Whether this replica may tell others of itself. On the way back it is not
   * yet known whether the log is still the same.
   */
  get isSure(): boolean {
    return this.#link.isUp &&
      !(this.#isConsuming && this.#status.state === "away");
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
        return this.#connected(event, now_ms);
      case "disconnected":
        return this.#disconnected(event, now_ms);
      case "looked":
        return this.#looked(event.request, event.look, now_ms);
      case "consumer_started":
        return this.#consumerStarted(event.request, now_ms);
      case "failed":
        return this.#failed(event.request, event.trouble, now_ms);
      case "refused":
        return this.proposals.refuse(event.batch, event.reason);
      case "forbidden":
        return this.#forbidden(event.subject);
      case "complained":
        this.#setStatus("away", `NATS refuses: ${event.reason}`);
        return this.#recover("NATS refused something", now_ms);
      case "consume":
        this.feed.startAfter(event.after, event.time);
        this.#isConsuming = true;
        if (this.#state.type === "idle") this.#look(now_ms);
        return;
      case "close":
        this.#isClosed = true;
        return this.proposals.abandon("The log was closed");
    }
  }

  /** Does what is due. To be called some ten times a second. */
  tick(now_ms: number): void {
    if (this.#isClosed) return;
    this.proposals.expire(now_ms);
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
    if (liveness.isSilent(now_ms)) {
      return this.#recover("the log gives no sign of life", now_ms);
    }
    for (const proposal of this.proposals.retry(now_ms)) {
      this.#do({ type: "publish", proposal });
    }
    if (liveness.isLookDue(now_ms)) {
      this.#glance = ++this.#lastRequest;
      this.#do({ type: "look", request: this.#glance, question: NO_ENTRIES });
    }
  }

  /** Takes a message of the consumer. Hot: once for each entry. */
  receive(message: FeedMessage, now_ms: number): void {
    const state = this.#state;
    if (state.type === "over") return;
    if (state.type === "feeding") state.liveness.heard(now_ms);
    const signal = this.feed.receive(message);
    if (signal === "gap") this.#recover("an entry is missing", now_ms);
    else if (signal === "unknown_version") {
      this.#do({ type: "stop_consumer" });
      this.#end(
        "upgrade_required",
        `entry ${
          this.feed.fed + 1
        } has subject ${message.subject}, which this version does not know`,
      );
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
    if (this.#isClosed || this.#status.state !== "connected") {
      return Promise.reject(new NotStoredError(this.#status.reason));
    }
    const { proposal, ended } = this.proposals.add(batch, payload, now_ms);
    this.#do({ type: "publish", proposal });
    return ended;
  }

  #do(action: SessionAction): void {
    this.#actions.push(action);
  }

  #connected({ attempt, maxPayload_bytes }: Connected, now_ms: number): void {
    if (!this.#link.connected(attempt) || this.#state.type === "over") return;
    if (this.#log === undefined && maxPayload_bytes < PAYLOAD_BYTES_MIN) {
      return this.#fail(
        `Cannot use the NATS server: its max_payload is ${maxPayload_bytes} and must be at least ${PAYLOAD_BYTES_MIN}`,
      );
    }
    if (this.#log === undefined || this.#isConsuming) this.#look(now_ms);
    else this.#state = { type: "idle" };
  }

  #disconnected(
    { attempt, reason, isRefused }: Disconnected,
    now_ms: number,
  ): void {
    const wasUp = this.#link.isUp;
    if (!this.#link.disconnected(attempt, now_ms)) return;
    if (this.#state.type === "over") return;
    if (isRefused && this.#log === undefined) return this.#fail(reason);
    this.#state = { type: "offline" };
    this.#setStatus(
      "away",
      wasUp
        ? `the connection to NATS is lost: ${reason}`
        : `NATS does not answer: ${reason}`,
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

  #isAwaited(request: number): boolean {
    return this.#state.type === "asking" && this.#state.request === request;
  }

  #looked(
    request: number,
    look: StreamLook | undefined,
    now_ms: number,
  ): void {
    if (request === this.#glance) {
      this.#glance = undefined;
      if (this.#state.type === "feeding" && look !== undefined) {
        this.#do({ type: "first_sequence", sequence: look.firstSequence });
        const wrong = this.#settingsProblem(look);
        if (wrong !== undefined) this.#recover(wrong, now_ms);
      }
    } else if (this.#isAwaited(request)) {
      if (this.#log === undefined) this.#open(look, now_ms);
      else this.#judge(this.#log, look, now_ms);
    }
  }

  #open(look: StreamLook | undefined, now_ms: number): void {
    if (look === undefined) {
      return this.#do({ type: "make_stream", request: this.#ask(now_ms) });
    }
    const wrong = this.#settingsProblem(look);
    if (wrong !== undefined) return this.#fail(wrong);
    const { created, config, firstSequence, lastSequence } = look;
    this.#log = new KnownLog(look, this.feed);
    this.feed.noteLastSequence(lastSequence);
    this.#state = { type: "idle" };
    this.#do({
      type: "opened",
      info: { id: logIdentity(config, created), firstSequence, lastSequence },
    });
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
    if (look !== undefined) {
      this.#do({ type: "first_sequence", sequence: look.firstSequence });
    }
    const verdict = log.judge(look, now_ms);
    switch (verdict.type) {
      case "same":
        return this.#startConsumer(look!, now_ms);
      case "doubtful":
        return this.#tryAgain(verdict.reason, now_ms);
      case "hole":
        return this.#fail(verdict.reason);
      case "ahead":
        this.#end("ahead_of_log", verdict.reason);
        return this.proposals.abandon(verdict.reason);
    }
  }

  #startConsumer(look: StreamLook, now_ms: number): void {
    this.feed.noteLastSequence(look.lastSequence);
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
    this.#state = { type: "feeding", liveness: new Liveness(now_ms) };
    this.#setStatus("connected", "entries are coming");
    for (const proposal of this.proposals.retry(now_ms, 0)) {
      this.#do({ type: "publish", proposal });
    }
  }

  #failed(request: number, trouble: Trouble, now_ms: number): void {
    if (request === this.#glance) {
      // The heartbeats tell when the stream is gone or the broker away.
      this.#glance = undefined;
    } else if (this.#isAwaited(request)) {
      this.#log?.noAnswer();
      if (trouble.isFinal && this.#log === undefined) {
        return this.#fail(`JetStream refused: ${trouble.reason}`);
      }
      this.#tryAgain(`NATS does not answer: ${trouble.reason}`, now_ms);
    }
  }

  #tryAgain(reason: string, now_ms: number): void {
    this.#state = { type: "waiting", until_ms: now_ms + RETRY_MS };
    this.#setStatus("away", reason);
  }

  /** Looks at the stream and starts a new consumer. */
  #recover(reason: string, now_ms: number): void {
    if (this.#state.type !== "feeding") return;
    if (this.#status.state === "connected") this.#setStatus("away", reason);
    this.#look(now_ms);
  }

  #forbidden(subject: string): void {
    const reason = `NATS does not allow to publish to ${subject}`;
    // For a proposal, the violation replaces the ack.
    if (subject === this.#subject) this.proposals.refuseAll(reason);
    else this.#fail(`${reason}, which a replica needs`);
  }

  #setStatus(state: LogStatus["state"], reason: string): void {
    if (this.#state.type === "over") return;
    if (this.#status.state === state && this.#status.reason === reason) return;
    this.#status = { state, reason };
    this.#do({ type: "status", status: this.#status });
  }

  #end(state: LogStatus["state"], reason: string): void {
    this.#setStatus(state, reason);
    this.#state = { type: "over" };
  }

  #fail(message: string): void {
    this.#state = { type: "over" };
    this.#do({ type: "fail", error: new LogFailedError(message) });
  }
}
