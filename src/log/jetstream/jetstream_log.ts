/**
 * The replicated log on NATS JetStream: one stream per cluster. It does what
 * the session decides, and tells the session what happens.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  LogFailedError,
  type LogInfo,
  type LogLimits,
  type LogLocation,
  type LogRead,
  type LogStatus,
  type TrimmableLog,
} from "../log.ts";
import { UnavailableError } from "../../errors.ts";
import type { FilePlace } from "../../snapshot/file_place.ts";
import { ApiError } from "./api.ts";
import { forbiddenOr } from "./bucket_errors.ts";
import { describe } from "./connection.ts";
import type { FeedMessage } from "./entry_feed.ts";
import { Line } from "./line.ts";
import { RETRY_MS } from "./link.ts";
import type { MembersChannel } from "./members_channel.ts";
import { ObjectBucket } from "./object_bucket.ts";
import type { JetStreamOptions } from "./options.ts";
import { Session } from "./session.ts";
import type { SessionAction, SessionEvent } from "./session_events.ts";
import { SteadyClock } from "./steady_clock.ts";
import { identityDescription } from "./stream_config.ts";

/** How often deadlines are looked at. */
const TICK_MS = 100;

/** What a log tells of, once it is opened. */
export interface LogListener {
  /** The log's status has changed. */
  status(status: LogStatus): void;
  /** What the log has and takes: others change that without a word. */
  limits(limits: LogLimits): void;
  /** Something that an operator should know, and that ends nothing. */
  warn(message: string): void;
}

/** A {@linkcode TrimmableLog} in a JetStream stream. */
export class JetStreamLog implements TrimmableLog {
  readonly #id = crypto.randomUUID().replaceAll("-", "");
  readonly #session: Session;
  /** The snapshots in the broker; they can be used while it is connected. */
  readonly files: FilePlace;
  readonly #opened = Promise.withResolvers<LogInfo>();
  #found: PromiseWithResolvers<LogInfo | undefined> | undefined;
  /** The connection; undefined while there is none. */
  #line: Line | undefined;
  /** Servers of the same cluster, as the last server listed them. */
  #otherServers: readonly string[] = [];
  readonly #lineListener = {
    message: (message: FeedMessage) => this.#receive(message),
    event: (event: SessionEvent) => this.#tell(event),
  };
  readonly #clock = new SteadyClock(performance.now(), Date.now());
  #isClosed = false;
  #isActing = false;
  /** How often entries were asked for. */
  #iterations = 0;
  #wake: (() => void) | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;

  /**
   * @param options The servers and the stream.
   * @param listener Gets the changes.
   * @param members Where the replicas of this log tell of themselves, if they do.
   */
  constructor(
    private readonly options: JetStreamOptions,
    private readonly listener: LogListener,
    private readonly members?: MembersChannel,
  ) {
    this.#session = new Session({ ...options, session: this.#id });
    this.files = new ObjectBucket(options, () => this.#line?.aside);
    // It rejects if the log is closed before; nobody may have opened it.
    this.#opened.promise.catch(() => {});
  }

  get lastSequence(): number {
    return this.#session.feed.lastSequence;
  }

  /** Connects to NATS, and hears the other replicas from then on. */
  connect(): void {
    if (this.#ticker !== undefined) return;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  /**
   * Looks whether the log is there, as soon as NATS can be asked. Only one look
   * at a time, and none once the log was opened.
   *
   * @returns Undefined if there is no such stream.
   * @throws {LogFailedError} If the log is closed meanwhile.
   */
  find(): Promise<LogInfo | undefined> {
    this.connect();
    this.#found = Promise.withResolvers();
    this.#tell({ type: "find" });
    return this.#found.promise;
  }

  open(): Promise<LogInfo> {
    this.connect();
    this.#tell({ type: "open" });
    return this.#opened.promise;
  }

  #now(): number {
    return this.#clock.now(performance.now(), Date.now());
  }

  #tick(): void {
    this.members?.tick();
    this.#session.tick(this.#now());
    this.#act();
  }

  #tell(event: SessionEvent): void {
    this.#session.handle(event, this.#now());
    this.#act();
  }

  /** Does what the session wants, in its order: an action may lead to others. */
  #act(): void {
    if (this.#isActing) return;
    this.#isActing = true;
    for (
      let actions;
      (actions = this.#session.takeActions()).length > 0;
    ) for (const action of actions) this.#perform(action);
    this.#isActing = false;
  }

  #perform(action: SessionAction): void {
    switch (action.type) {
      case "connect":
        return void this.#connect(action.attempt);
      case "look":
        return void this.#answer(action.request, async ({ stream }) => ({
          type: "looked",
          request: action.request,
          look: await stream.look(action.question),
        }));
      case "make_stream":
        return void this.#answer(action.request, async ({ stream }) => ({
          type: "looked",
          request: action.request,
          look: await stream.make(
            this.options.streamReplicas,
            action.id,
          ),
        }));
      case "start_consumer":
        return void this.#answer(action.request, async (line) => {
          await line.consume(action.first);
          return { type: "consumer_started", request: action.request };
        });
      case "stop_consumer":
        return this.#line?.stopConsumer();
      case "publish":
        return this.#line?.publish(action);
      case "write_identity":
        return void this.#writeIdentity(action.id);
      case "status":
        return this.listener.status(action.status);
      case "limits":
        return this.listener.limits(action.limits);
      case "found":
        return this.#found?.resolve(action.info);
      case "opened":
        return this.#opened.resolve(action.info);
    }
  }

  /** Asks over the connection there is, and tells the session what comes of it. */
  async #answer(
    request: number,
    ask: (line: Line) => Promise<SessionEvent>,
  ): Promise<void> {
    const line = this.#line;
    // Without one the session hears of that by itself.
    if (line === undefined) return;
    let event: SessionEvent;
    try {
      event = await ask(line);
    } catch (error) {
      const reason = error instanceof ApiError
        ? error.message
        : describe(error);
      event = { type: "failed", request, reason };
    }
    if (line === this.#line) this.#tell(event);
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
      this.#tell({ type: "connected", attempt });
      error = await line.ended();
    } catch (cause) {
      error = cause;
    }
    this.#line = undefined;
    this.#tell({ type: "disconnected", attempt, reason: describe(error) });
  }

  /** Hot: once for each entry. */
  #receive(message: FeedMessage): void {
    this.#session.receive(message, this.#now());
    this.#act();
    this.#wake?.();
  }

  propose(batch: number, payload: Uint8Array<ArrayBuffer>): Promise<void> {
    const ended = this.#session.propose(batch, payload, this.#now());
    this.#act();
    return ended;
  }

  async #writeIdentity(id: string): Promise<void> {
    const lost =
      `The description of the stream ${this.options.stream} has lost the log's id`;
    try {
      await this.#line?.stream.writeIdentity(id);
      this.listener.warn(`${lost}; ${id} was written back`);
    } catch (error) {
      this.listener.warn(
        `${lost}, and it could not be written back (${
          (error as Error).message
        }): set it to "${
          identityDescription(id)
        }", since replicas that start now do not recognize the log`,
      );
    }
  }

  /**
   * Sends a heartbeat to the other replicas.
   *
   * @param unsure What is sent in its place while it is not known whether the
   * log is still the same.
   */
  sendHeartbeat(heartbeat: Uint8Array, unsure: Uint8Array | undefined): void {
    const bytes = this.#session.isSure ? heartbeat : unsure;
    if (bytes !== undefined) this.members?.send(bytes);
  }

  async locate(sequence: number): Promise<LogLocation> {
    for (;;) {
      try {
        if (this.#line !== undefined) {
          return await this.#line.stream.locate(sequence);
        }
      } catch {
        // The session says what is wrong with the log, if it lasts.
      }
      await delay(RETRY_MS);
      if (this.#isClosed) throw new LogFailedError("The log was closed");
    }
  }

  async trim(sequence: number): Promise<number> {
    const { lastSequence } = this;
    if (sequence > lastSequence) {
      throw new RangeError(
        `Cannot cut the log at ${sequence}: it ends at ${lastSequence}`,
      );
    }
    const { state, reason } = this.#session.status;
    if (this.#line === undefined || state !== "connected") {
      throw new UnavailableError(`Cannot cut the log now: ${reason}`);
    }
    try {
      return await this.#line.trim(sequence);
    } catch (error) {
      throw forbiddenOr(error);
    } finally {
      this.#tell({ type: "trimmed" });
    }
  }

  async *entries(
    after: number,
    time: string | null = null,
  ): AsyncGenerator<LogRead> {
    const iteration = ++this.#iterations;
    this.#wake?.();
    this.#tell({ type: "consume", after, time });
    const { feed } = this.#session;
    while (!this.#isClosed && iteration === this.#iterations) {
      if (feed.isEmpty) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const { read, flowReply } = feed.take();
      if (read.entries.length > 0) yield read;
      if (flowReply !== undefined && iteration === this.#iterations) {
        this.#line?.answerFlow(flowReply);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticker);
    this.#tell({ type: "close" });
    const closed = new LogFailedError("The log was closed");
    this.#opened.reject(closed);
    this.#found?.reject(closed);
    this.#wake?.();
    await this.#line?.close();
  }
}
