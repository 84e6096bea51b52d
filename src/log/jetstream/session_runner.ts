/**
 * Does what a session decides, over the connection there is, and tells the
 * session what happens.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import type { LogInfo, LogLimits, LogStatus } from "../log.ts";
import { describe, isRefusal } from "./connection.ts";
import type { FeedMessage } from "./feed_message.ts";
import { Line } from "./line.ts";
import { TICK_MS } from "./link.ts";
import type { MembersChannel } from "./members_channel.ts";
import type { JetStreamOptions } from "./options.ts";
import { Session } from "./session.ts";
import type { SessionAction, StreamRequest } from "./session_actions.ts";
import type { SessionEvent } from "./session_events.ts";
import { SteadyClock } from "./steady_clock.ts";
import { identityDescription } from "./log_identity.ts";
import { askStream } from "./stream_request.ts";

/** What a log tells of, once it is opened. */
export interface LogListener {
  /** The log's status has changed. */
  status(status: LogStatus): void;
  /** What the log has and takes: others change that without a word. */
  limits(limits: LogLimits): void;
  /** Something that an operator should know, and that ends nothing. */
  warn(message: string): void;
  /** The other replicas are to be heard, before anything is proposed. */
  hearOthers(hearing: number): void;
}

/** What a session tells its log besides. */
export interface SessionListener {
  /** Whether the log is there was asked: undefined if it is not. */
  found(info: LogInfo | undefined): void;
  /** The log is open. */
  opened(info: LogInfo): void;
  /** The log is not opened: it is to be looked for again before. */
  findAgain(): void;
  /** The feed may have entries. */
  received(): void;
}

/** Runs one session. */
export class SessionRunner {
  readonly session: Session;
  /** The connection; undefined while there is none. */
  #line: Line | undefined;
  /** Servers of the same cluster, as the last server listed them. */
  #otherServers: readonly string[] = [];
  readonly #lineListener = {
    message: (message: FeedMessage) => this.#receive(message),
    event: (event: SessionEvent) => this.tell(event),
  };
  readonly #clock = new SteadyClock(performance.now(), Date.now());
  #isClosed = false;
  #isActing = false;
  #ticker: ReturnType<typeof setInterval> | undefined;

  /**
   * @param options The servers and the stream.
   * @param logListener Gets the changes of the log.
   * @param listener Gets the rest.
   * @param members Where the replicas of this log tell of themselves, if they do.
   */
  constructor(
    private readonly options: JetStreamOptions,
    private readonly logListener: LogListener,
    private readonly listener: SessionListener,
    private readonly members?: MembersChannel,
  ) {
    const session = crypto.randomUUID().replaceAll("-", "");
    this.session = new Session({ ...options, session });
  }

  /** The connection; undefined while there is none. */
  get line(): Line | undefined {
    return this.#line;
  }

  /** Connects to NATS, and hears the other replicas from then on. */
  start(): void {
    if (this.#ticker !== undefined) return;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  #now(): number {
    return this.#clock.now(performance.now(), Date.now());
  }

  #tick(): void {
    this.members?.tick();
    this.session.tick(this.#now());
    this.#act();
  }

  /** Tells the session what happens. */
  tell(event: SessionEvent): void {
    this.session.handle(event, this.#now());
    this.#act();
  }

  /** Hot: once for each entry. */
  #receive(message: FeedMessage): void {
    this.session.receive(message, this.#now());
    this.#act();
    this.listener.received();
  }

  /** Proposes a batch, as `ReplicatedLog.propose` does. */
  propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion,
  ): Promise<void> {
    const ended = this.session.propose(batch, payload, this.#now(), version);
    this.#act();
    return ended;
  }

  /** Does what the session wants, in its order: an action may lead to others. */
  #act(): void {
    if (this.#isActing) return;
    this.#isActing = true;
    for (
      let actions;
      (actions = this.session.takeActions()).length > 0;
    ) for (const action of actions) this.#perform(action);
    this.#isActing = false;
  }

  #perform(action: SessionAction): void {
    switch (action.type) {
      case "connect":
        return void this.#connect(action.attempt);
      case "look":
      case "make_stream":
      case "rename_stream":
      case "start_consumer":
        return void this.#ask(action);
      case "take_consumer":
        return this.#line?.entries.take();
      case "stop_consumer":
        return this.#line?.entries.stop();
      case "publish":
        return this.#line?.batches.publish(action);
      case "write_identity":
        return void this.#writeIdentity(action.id);
      case "status":
        return this.logListener.status(action.status);
      case "limits":
        return this.logListener.limits(action.limits);
      case "hear_others":
        return this.logListener.hearOthers(action.hearing);
      case "found":
        return this.listener.found(action.info);
      case "opened":
        return this.listener.opened(action.info);
      case "find_again":
        return this.listener.findAgain();
    }
  }

  /** Asks over the connection there is, and tells the session what comes of it. */
  async #ask(action: StreamRequest): Promise<void> {
    const line = this.#line;
    // Without one the session hears of that by itself.
    if (line === undefined) return;
    const event = await askStream(action, line, this.options.streamReplicas);
    if (line === this.#line) this.tell(event);
  }

  async #connect(attempt: number): Promise<void> {
    let error: unknown;
    try {
      const { servers } = this.options;
      // In turns: the listed ones may be unreachable from here.
      const others = attempt % 2 === 0 ? this.#otherServers : [];
      const line = await Line.open(
        this.options,
        others.length > 0 ? others : servers,
        this.#lineListener,
        this.members,
        attempt > 1,
      );
      if (this.#isClosed) return await line.close();
      this.#line = line;
      this.#otherServers = line.otherServers;
      const { serverId, serverVersion } = line;
      this.tell({ type: "connected", attempt, serverId, serverVersion });
      error = await line.ended();
    } catch (cause) {
      error = cause;
    }
    this.#line = undefined;
    this.tell({
      type: "disconnected",
      attempt,
      reason: describe(error),
      isRefused: isRefusal(error),
    });
  }

  async #writeIdentity(id: string): Promise<void> {
    const lost =
      `The description of the stream ${this.options.stream} has lost the log's id`;
    try {
      await this.#line?.stream.writeIdentity(id);
      this.logListener.warn(`${lost}; ${id} was written back`);
    } catch (error) {
      this.logListener.warn(
        `${lost}, and it could not be written back (${
          (error as Error).message
        }): set it to "${
          identityDescription(id)
        }", since replicas that start now do not recognize the log`,
      );
    }
  }

  /** Ends the session and its connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticker);
    this.tell({ type: "close" });
    await this.#line?.close();
  }
}
