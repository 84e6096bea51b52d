/**
 * The replicated log on NATS JetStream: one stream per cluster. It does what
 * the session decides, and tells the session what happens.
 *
 * @module
 */
import {
  createInbox,
  headers,
  type Msg,
  type NatsConnection,
  type Subscription,
} from "nats";
import { setTimeout as delay } from "node:timers/promises";
import {
  type LogEntry,
  LogFailedError,
  type LogInfo,
  type LogLimits,
  type LogLocation,
  type LogStatus,
  type ReplicatedLog,
} from "../log.ts";
import { ApiError, JetStreamApi } from "./api.ts";
import {
  describe,
  endsConnection,
  headersOf,
  inboxPrefix,
  openConnection,
} from "./connection.ts";
import { MESSAGE_ID } from "./entry_feed.ts";
import { RETRY_MS } from "./link.ts";
import type { MembersChannel } from "./members_channel.ts";
import type { JetStreamOptions } from "./options.ts";
import { Session } from "./session.ts";
import type {
  PublishAction,
  SessionAction,
  SessionEvent,
} from "./session_events.ts";
import { SteadyClock } from "./steady_clock.ts";
import { Stream } from "./stream.ts";
import { identityDescription, setSubject } from "./stream_config.ts";

/** How often deadlines are looked at. */
const TICK_MS = 100;

const decoder = new TextDecoder();

/** What a log tells of, once it is opened. */
export interface LogListener {
  /** The log's status has changed. */
  status(status: LogStatus): void;
  /** What the log has and takes: others change that without a word. */
  limits(limits: LogLimits): void;
  /** Something that an operator should know, and that ends nothing. */
  warn(message: string): void;
}

/** A connection and what belongs to it. */
interface Line {
  readonly connection: NatsConnection;
  readonly stream: Stream;
  consumer: Subscription | undefined;
}

/** A {@linkcode ReplicatedLog} in a JetStream stream. */
export class JetStreamLog implements ReplicatedLog {
  readonly #id = crypto.randomUUID().replaceAll("-", "");
  readonly #session: Session;
  readonly #subject: string;
  readonly #ackPrefix: string;
  readonly #opened = Promise.withResolvers<LogInfo>();
  /** The connection; undefined while there is none. */
  #line: Line | undefined;
  /** Servers of the same cluster that the last one told of. */
  #otherServers: readonly string[] = [];
  readonly #clock = new SteadyClock(performance.now(), Date.now());
  #isClosed = false;
  #isActing = false;
  #wake: (() => void) | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;

  /**
   * @param options The servers and the stream.
   * @param listener Told of changes.
   * @param members Where the replicas of this log tell of themselves, if they do.
   */
  constructor(
    private readonly options: JetStreamOptions,
    private readonly listener: LogListener,
    private readonly members?: MembersChannel,
  ) {
    this.#session = new Session({ ...options, session: this.#id });
    this.#subject = setSubject(options.stream, options.replicaId);
    this.#ackPrefix = createInbox(inboxPrefix(options.replicaId));
    // It rejects if the log is closed before; nobody may have opened it.
    this.#opened.promise.catch(() => {});
  }

  get lastSequence(): number {
    return this.#session.feed.lastSequence;
  }

  open(): Promise<LogInfo> {
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
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
            this.#id.slice(0, 16),
          ),
        }));
      case "start_consumer":
        return void this.#answer(action.request, async (line) => {
          await this.#consume(line, action.first);
          return { type: "consumer_started", request: action.request };
        });
      case "stop_consumer":
        return this.#stopConsumer();
      case "publish":
        return this.#publish(action);
      case "write_identity":
        return void this.#writeIdentity(action.id);
      case "status":
        return this.listener.status(action.status);
      case "limits":
        return this.listener.limits(action.limits);
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
      // By turns: those that were told of may be out of reach from here.
      const others = attempt % 2 === 0 ? this.#otherServers : [];
      const connection = await openConnection(
        this.options,
        others.length > 0 ? others : servers,
      );
      if (this.#isClosed) return await connection.close();
      error = await this.#use(connection, attempt);
    } catch (cause) {
      error = cause;
    }
    this.#line = undefined;
    this.#tell({ type: "disconnected", attempt, reason: describe(error) });
  }

  /** @returns Why the connection ended. */
  async #use(connection: NatsConnection, attempt: number): Promise<unknown> {
    const { stream: name, replicaId } = this.options;
    const stream = new Stream(
      new JetStreamApi(connection, replicaId),
      name,
      () => connection.info?.max_payload ?? 0,
    );
    this.#line = { connection, stream, consumer: undefined };
    this.#otherServers = connection.info?.connect_urls ?? [];
    connection.subscribe(`${this.#ackPrefix}.*`, {
      callback: (_error, message) => this.#receiveAck(message),
    });
    this.members?.attach(connection);
    this.#listen(connection);
    this.#tell({ type: "connected", attempt });
    return await connection.closed();
  }

  /** Hears what the server complains of. */
  async #listen(connection: NatsConnection): Promise<void> {
    for await (const { type, data, permissionContext } of connection.status()) {
      const { subject = "", operation } = permissionContext ?? {};
      if (this.members?.forbidden(subject)) continue;
      if (operation === "publish") this.#tell({ type: "forbidden", subject });
      else if (type === "error" && !endsConnection(String(data))) {
        const reason = operation === "subscription"
          ? `it does not allow to subscribe to ${subject}, which a replica needs`
          : String(data);
        this.#tell({ type: "complained", reason });
      }
    }
  }

  async #consume(line: Line, first: number): Promise<void> {
    this.#stopConsumer();
    const inbox = createInbox(inboxPrefix(this.options.replicaId));
    const consumer = line.connection.subscribe(inbox, {
      callback: (_error, message) => {
        if (consumer === this.#line?.consumer) this.#receive(message);
      },
    });
    line.consumer = consumer;
    await line.stream.consume(first, inbox);
  }

  #stopConsumer(): void {
    this.#line?.consumer?.unsubscribe();
    if (this.#line !== undefined) this.#line.consumer = undefined;
  }

  /** Hot: once for each entry. */
  #receive(message: Msg): void {
    const { subject, reply, data } = message;
    const head = headersOf(message);
    this.#session.receive({
      subject,
      reply,
      data,
      header: (name) => head?.get(name) ?? "",
    }, this.#now());
    this.#act();
    this.#wake?.();
  }

  /** An ack does not commit, the entry does; but a refusal ends the batch. */
  #receiveAck(message: Msg): void {
    const batch = Number(message.subject.slice(this.#ackPrefix.length + 1));
    if (headersOf(message)?.code === 503) {
      const reason = "JetStream is not available";
      return this.#tell({ type: "refused", batch, reason });
    }
    const refusal = refusalOf(message.data);
    if (refusal !== undefined) {
      const reason = `JetStream refused: ${refusal}`;
      this.#tell({ type: "refused", batch, reason });
    }
  }

  propose(batch: number, payload: Uint8Array<ArrayBuffer>): Promise<void> {
    const ended = this.#session.propose(batch, payload, this.#now());
    this.#act();
    return ended;
  }

  #publish({ batch, messageId, payload, after }: PublishAction): void {
    const head = headers();
    head.set(MESSAGE_ID, messageId);
    head.set("Nats-Expected-Stream", this.options.stream);
    if (after !== undefined) {
      head.set("Nats-Expected-Last-Sequence", String(after));
    }
    try {
      this.#line?.connection.publish(this.#subject, payload, {
        headers: head,
        reply: `${this.#ackPrefix}.${batch}`,
      });
    } catch (error) {
      const max = this.#line?.connection.info?.max_payload;
      const reason =
        (error as { code?: string }).code === "MAX_PAYLOAD_EXCEEDED"
          ? `${payload.length} bytes and their headers are more than the NATS server's max_payload, ${max}`
          : describe(error);
      this.#tell({ type: "unsent", batch, reason });
    }
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

  /** Sends a heartbeat to the other replicas, if this one knows where it is. */
  sendHeartbeat(bytes: Uint8Array): void {
    if (this.#session.isSure) this.members?.send(bytes);
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

  async *entries(
    after: number,
    time: string | null = null,
  ): AsyncGenerator<LogEntry[]> {
    this.#tell({ type: "consume", after, time });
    const { feed } = this.#session;
    while (!this.#isClosed) {
      if (feed.isEmpty) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const { entries, flowReply } = feed.take();
      if (entries.length > 0) yield entries;
      const { connection } = this.#line ?? {};
      if (flowReply !== undefined && connection?.isClosed() === false) {
        connection.publish(flowReply);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticker);
    this.#tell({ type: "close" });
    this.#opened.reject(new LogFailedError("The log was closed"));
    this.#wake?.();
    await this.#line?.connection.close();
  }
}

/** Why the stream refused a batch; undefined if it did not, or if it is no ack. */
function refusalOf(ack: Uint8Array): string | undefined {
  try {
    const { error } = JSON.parse(decoder.decode(ack));
    return error === undefined ? undefined : String(error.description);
  } catch {
    return undefined;
  }
}
