/**
 * The replicated log on NATS JetStream: one stream per cluster.
 *
 * Whatever goes wrong with the connection, the consumer or the stream, there is
 * one remedy: look at the stream, and if it is still the log that was applied,
 * start a new consumer after the last entry.
 *
 * @module
 */
import {
  AckPolicy,
  connect,
  type ConnectionOptions,
  createInbox,
  credsAuthenticator,
  DeliverPolicy,
  headers,
  type JetStreamManager,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
  ReplayPolicy,
  type StreamConfig,
  type StreamInfo,
  type Subscription,
} from "nats";
import { formatTime } from "./delivery.ts";
import { EntryFeed, MESSAGE_ID } from "./entry_feed.ts";
import {
  type LogEntry,
  LogFailedError,
  type LogInfo,
  type LogLocation,
  type LogStatus,
  NotStoredError,
  type ReplicatedLog,
} from "../log.ts";
import type { JetStreamOptions } from "../thread/messages.ts";
import {
  PresenceGate,
  type PresenceListener,
  presenceSubject,
} from "./members_channel.ts";
import { type Proposal, Proposals } from "./proposals.ts";
import {
  logIdentity,
  newStreamConfig,
  PAYLOAD_BYTES_MIN,
  setSubject,
  streamProblems,
} from "./stream_config.ts";
import { Suspicion } from "./suspicion.ts";

/** How often an idle stream gives a sign of life, and after how long without one it is gone. */
const HEARTBEAT_MS = 500;
const SILENCE_MAX_MS = 2_000;

/** How long the server may take to answer a question. */
const REQUEST_TIMEOUT_MS = 2_000;

/** How long to wait before trying again. */
const RETRY_MS = 500;

/** How often deadlines are looked at. */
const TICK_MS = 100;

/** How often the stream is asked what its limits have left of it. */
const LOOK_MS = 5_000;

/** JetStream's error codes: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const STREAM_NOT_FOUND = 10059;
const NO_MESSAGE_FOUND = 10037;

const decoder = new TextDecoder();

/** The stream was edited while it was in use; it may be set right again. */
class WrongSettingsError extends Error {
  override name = "WrongSettingsError";
}

/** The stream looks like another log; its servers may have yet to agree. */
class SuspectStreamError extends Error {
  override name = "SuspectStreamError";
}

/** A {@linkcode ReplicatedLog} in a JetStream stream. */
export class JetStreamLog implements ReplicatedLog {
  readonly #session = crypto.randomUUID().replaceAll("-", "");
  readonly #proposals: Proposals;
  readonly #feed: EntryFeed;
  readonly #subject: string;
  readonly #presenceSubject: string;
  /** The presence subjects of all replicas. */
  readonly #presenceSubjects: string;
  readonly #presenceGate = new PresenceGate();
  #presenceIsOff = false;
  /** Whether NATS is there; not whether the log can be used. */
  #isConnected = true;
  #connection!: NatsConnection;
  #manager!: JetStreamManager;
  #ackPrefix = "";
  #created = "";
  /** On how many servers the stream is kept. */
  #servers = 1;
  readonly #suspicion = new Suspicion();
  #status: LogStatus = { state: "away", reason: "the log is not open yet" };
  #closed = false;
  /** Why the log can't go on: `entries` throws it. */
  #failure: LogFailedError | undefined;
  #consumer: Subscription | undefined;
  #consuming = false;
  #recovering = false;
  #heardAt = 0;
  #lookedAt = 0;
  #wake: (() => void) | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;

  /**
   * @param options The servers and the stream.
   * @param onStatus Called at each change of the log's status.
   * @param onFirstSequence Called now and then with the sequence of the first
   * entry still there: limits take entries away without a word.
   * @param presence Told of the replicas that share the log; nobody listens if
   * it is left out.
   */
  constructor(
    private readonly options: JetStreamOptions,
    private readonly onStatus: (status: LogStatus) => void,
    private readonly onFirstSequence: (sequence: number) => void = () => {},
    private readonly presence?: PresenceListener,
  ) {
    this.#proposals = new Proposals(options.commitTimeout_ms);
    this.#subject = setSubject(options.stream, options.replicaId);
    this.#presenceSubject = presenceSubject(options.stream, options.replicaId);
    this.#presenceSubjects = presenceSubject(options.stream, "*");
    this.#feed = new EntryFeed(this.#session, this.#subject, this.#proposals);
  }

  get lastSequence(): number {
    return this.#feed.lastSequence;
  }

  async open(): Promise<LogInfo> {
    this.#connection = await this.#persist(() => this.#connect());
    const { info: server } = this.#connection;
    if (server !== undefined && server.max_payload < PAYLOAD_BYTES_MIN) {
      throw new LogFailedError(
        `Cannot use the NATS server: its max_payload is ${server.max_payload} and must be at least ${PAYLOAD_BYTES_MIN}`,
      );
    }
    this.#manager = await this.#connection.jetstreamManager({
      checkAPI: false,
      timeout: REQUEST_TIMEOUT_MS,
    });
    this.#listenForAcks();
    this.#listenForReplicas();
    this.#watchConnection();
    const { created, config, state } = await this.#persist(() =>
      this.#findOrCreateStream()
    );
    this.#created = created;
    this.#servers = config.num_replicas;
    this.#feed.noteLastSequence(state.last_seq);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    return {
      id: logIdentity(config, created),
      firstSequence: firstSequence(state),
      lastSequence: state.last_seq,
    };
  }

  /** Tries until it works, however long the broker is away; only a {@linkcode LogFailedError} ends it. */
  async #persist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof LogFailedError) throw error;
        this.#setStatus(
          "away",
          error instanceof WrongSettingsError ||
            error instanceof SuspectStreamError
            ? error.message
            : `NATS does not answer: ${describe(error)}`,
        );
      }
      await sleep(RETRY_MS);
      if (this.#closed) throw new LogFailedError("The log was closed");
    }
  }

  async #connect(): Promise<NatsConnection> {
    try {
      return await connect(connectionOptions(this.options));
    } catch (error) {
      if (
        error instanceof NatsError &&
        (error.isAuthError() || error.code === "BAD_CREDS")
      ) {
        throw new LogFailedError(
          "The NATS server refused the credentials: see NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_CREDS_FILE",
          { cause: error },
        );
      }
      throw error;
    }
  }

  async #findOrCreateStream(): Promise<StreamInfo> {
    const { stream, streamReplicas } = this.options;
    let info: StreamInfo;
    try {
      info = await this.#manager.streams.info(stream);
    } catch (error) {
      if (apiErrorCode(error) !== STREAM_NOT_FOUND) throw failedIfFinal(error);
      const id = this.#session.slice(0, 16);
      try {
        return await this.#manager.streams.add(
          newStreamConfig(stream, streamReplicas, id) as StreamConfig,
        );
      } catch (error) {
        // Another replica may have been faster: its stream is the log then.
        info = await this.#manager.streams.info(stream).catch(() => {
          throw failedIfFinal(error);
        });
      }
    }
    const wrong = this.#wrongSettings(info);
    if (wrong !== undefined) throw new LogFailedError(wrong);
    return info;
  }

  /** What is wrong with the stream's settings; undefined if nothing is. */
  #wrongSettings({ config }: StreamInfo): string | undefined {
    const { stream, commitTimeout_ms } = this.options;
    const problems = streamProblems(config, stream, commitTimeout_ms);
    if (problems.length === 0) return undefined;
    return `Cannot use the stream ${stream}: ${
      problems.join("; ")
    }. Edit it, or set another NATS_STREAM`;
  }

  #listenForAcks(): void {
    this.#ackPrefix = createInbox(inboxPrefix(this.options));
    this.#connection.subscribe(`${this.#ackPrefix}.*`, {
      callback: (_error, message) => this.#receiveAck(message),
    });
  }

  /** An ack does not commit, the entry does; but a refusal ends the batch. */
  #receiveAck(message: Msg): void {
    const batch = Number(message.subject.slice(this.#ackPrefix.length + 1));
    if (headersOf(message)?.code === 503) {
      return this.#proposals.refuse(batch, "JetStream is not available");
    }
    const { error } = JSON.parse(decoder.decode(message.data));
    if (error) {
      this.#proposals.refuse(batch, `JetStream refused: ${error.description}`);
    }
  }

  /**
   * Announces this replica to the others that share the log, if NATS is there:
   * what is published while it is away would be sent late.
   */
  announce(bytes: Uint8Array<ArrayBuffer>): void {
    // On the way back it is not yet known whether the log is still the same.
    const isUnsure = this.#consuming && this.#status.state === "away";
    if (
      this.#manager === undefined || !this.#isConnected || isUnsure ||
      this.#presenceIsOff || this.#closed
    ) return;
    this.#connection.publish(this.#presenceSubject, bytes);
  }

  #listenForReplicas(): void {
    const { presence } = this;
    if (presence === undefined) return;
    const start = this.#presenceSubjects.length - 1;
    this.#connection.subscribe(this.#presenceSubjects, {
      callback: (error, { subject, data }) => {
        if (error !== null) return; // The connection's status says it too.
        if (!this.#presenceGate.admits(data.length, performance.now())) return;
        // A copy: the message's bytes are part of a larger buffer.
        presence.heard(subject.slice(start), Uint8Array.from(data));
      },
    });
  }

  /** A replica does its work without being seen. */
  #endPresence(reason: string): void {
    if (this.#presenceIsOff) return;
    this.#presenceIsOff = true;
    this.presence?.off(reason);
  }

  async #watchConnection(): Promise<void> {
    for await (
      const { type, data, permissionContext } of this.#connection.status()
    ) {
      if (type === "disconnect") {
        this.#isConnected = false;
        this.#setStatus("away", "the connection to NATS is lost");
      } else if (type === "reconnect") {
        this.#isConnected = true;
        this.#recover("NATS is back");
      } else if (permissionContext?.subject === this.#presenceSubject) {
        this.#endPresence(
          `NATS does not allow to publish to ${this.#presenceSubject}`,
        );
      } else if (permissionContext?.subject === this.#presenceSubjects) {
        this.#endPresence(
          `NATS does not allow to subscribe to ${this.#presenceSubjects}`,
        );
      } else if (permissionContext?.operation === "publish") {
        const reason =
          `NATS does not allow to publish to ${permissionContext.subject}`;
        // Of a proposal the server says it in the stead of an ack.
        if (permissionContext.subject === this.#subject) {
          this.#proposals.refuseAll(reason);
        } else {
          this.#fail(new LogFailedError(`${reason}, which a replica needs`));
        }
      } else if (type === "error") {
        this.#setStatus("away", `NATS refuses: ${data}`);
        this.#recover("NATS refused something");
      }
    }
    const error = await this.#connection.closed();
    this.#fail(
      new LogFailedError(`NATS has closed: ${describe(error)}`),
    );
  }

  async locate(sequence: number): Promise<LogLocation> {
    return await this.#persist(async () => {
      const { state } = await this.#manager.streams.info(this.options.stream);
      const entry = sequence > 0 ? await this.#identityOf(sequence) : undefined;
      return {
        firstSequence: firstSequence(state),
        lastSequence: state.last_seq,
        time: entry?.time,
      };
    });
  }

  async *entries(
    after: number,
    time: string | null = null,
  ): AsyncGenerator<LogEntry[]> {
    this.#feed.startAfter(after, time);
    this.#consuming = true;
    this.#recover("the log is open");
    while (!this.#closed) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#feed.isEmpty) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const { entries, flowReply } = this.#feed.take();
      if (entries.length > 0) yield entries;
      if (flowReply !== undefined && !this.#closed) {
        this.#connection.publish(flowReply);
      }
    }
  }

  /** Looks at the stream and starts a new consumer, until that has worked. */
  async #recover(reason: string): Promise<void> {
    if (this.#recovering || !this.#consuming || this.#isOver) return;
    this.#recovering = true;
    if (this.#status.state === "connected") this.#setStatus("away", reason);
    try {
      await this.#persist(async () => {
        if (await this.#isStillOurLog()) await this.#consume();
      });
    } catch (error) {
      this.#fail(error as LogFailedError);
    } finally {
      this.#recovering = false;
    }
  }

  /** Whether no entry comes any more until the replica is started anew. */
  get #isOver(): boolean {
    return this.#closed || this.#failure !== undefined ||
      this.#status.state === "ahead_of_log" ||
      this.#status.state === "upgrade_required";
  }

  /**
   * Whether the stream is still the log that was applied; if not, this replica
   * is ahead of it.
   *
   * @throws {LogFailedError} If the next entry is not there any more.
   * @throws {SuspectStreamError} If one of these may pass.
   * @throws {WrongSettingsError} If it can't be proposed to as it is set now.
   */
  async #isStillOurLog(): Promise<boolean> {
    let difference: string | LogFailedError | undefined;
    try {
      difference = await this.#difference();
    } catch (error) {
      this.#suspicion.clear();
      throw error;
    }
    if (difference === undefined) {
      this.#suspicion.clear();
      return true;
    }
    // A single server can't disagree with itself.
    if (this.#servers > 1 && !this.#suspicion.lasts(performance.now())) {
      throw new SuspectStreamError(
        `${
          typeof difference === "string" ? difference : difference.message
        }, unless its servers have yet to agree`,
      );
    }
    if (typeof difference !== "string") throw difference;
    this.#setStatus("ahead_of_log", difference);
    this.#proposals.abandon(difference);
    return false;
  }

  /**
   * Why the stream is not the one of which all up to the last entry fed was
   * applied, or why it can't go on from there. Sequences alone do not show it:
   * others may have written past ours since the stream lost its tail.
   *
   * @throws {WrongSettingsError} If it can't be proposed to as it is set now.
   */
  async #difference(): Promise<string | LogFailedError | undefined> {
    const { fed, last } = this.#feed;
    let info: StreamInfo;
    try {
      info = await this.#manager.streams.info(this.options.stream);
    } catch (error) {
      if (apiErrorCode(error) !== STREAM_NOT_FOUND) throw error;
      return "the stream is gone";
    }
    this.#servers = info.config.num_replicas;
    this.onFirstSequence(firstSequence(info.state));
    const { first_seq, last_seq } = info.state;
    if (info.created !== this.#created) return "the stream was made anew";
    if (last_seq < fed) {
      return `the stream ends at ${last_seq}, this replica at ${fed}`;
    }
    if (last !== undefined && last.sequence >= first_seq) {
      const found = await this.#identityOf(last.sequence);
      if (
        found !== undefined && (found.time !== last.time ||
          found.messageId !== (last.messageId ?? found.messageId))
      ) return `entry ${last.sequence} is another one now`;
    }
    if (first_seq > fed + 1) {
      return new LogFailedError(
        `The log begins with entry ${first_seq} now, and this replica needs entry ${
          fed + 1
        }`,
      );
    }
    if (last_seq > fed && await this.#identityOf(fed + 1) === undefined) {
      return new LogFailedError(
        `Entry ${fed + 1} was deleted from the log, and this replica needs it`,
      );
    }
    this.#feed.noteLastSequence(last_seq);
    // Before anything is published again: what was right may have been edited.
    const wrong = this.#wrongSettings(info);
    if (wrong !== undefined) throw new WrongSettingsError(wrong);
    return undefined;
  }

  /** The entry at a sequence; undefined if the stream does not have it. */
  async #identityOf(sequence: number) {
    try {
      const entry = await this.#manager.streams.getMessage(
        this.options.stream,
        { seq: sequence },
      );
      return {
        time: formatTime(entry.timestamp),
        messageId: headersOf({
          get headers() {
            return entry.header;
          },
        })?.get(MESSAGE_ID) ?? "",
      };
    } catch (error) {
      if (apiErrorCode(error) === NO_MESSAGE_FOUND) return undefined;
      throw error;
    }
  }

  async #consume(): Promise<void> {
    this.#consumer?.unsubscribe();
    const { stream } = this.options;
    const inbox = createInbox(inboxPrefix(this.options));
    const consumer = this.#connection.subscribe(inbox, {
      callback: (_error, message) => {
        if (consumer === this.#consumer) this.#receive(message);
      },
    });
    this.#consumer = consumer;
    await this.#manager.consumers.add(stream, {
      deliver_subject: inbox,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#feed.fed + 1,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      flow_control: true,
      idle_heartbeat: HEARTBEAT_MS * 1_000_000,
      inactive_threshold: 10 * SILENCE_MAX_MS * 1_000_000,
      mem_storage: true,
      num_replicas: 1,
      max_deliver: 1,
    });
    this.#heardAt = performance.now();
    this.#setStatus("connected", "entries are coming");
    for (const proposal of this.#proposals.retry(performance.now(), 0)) {
      this.#publish(proposal);
    }
  }

  #receive(message: Msg): void {
    this.#heardAt = performance.now();
    const { subject, reply, data } = message;
    const head = headersOf(message);
    const signal = this.#feed.receive({
      subject,
      reply,
      data,
      status: head?.code ?? 0,
      header: (name) => head?.get(name) ?? "",
    });
    if (signal === "gap") {
      this.#recover("an entry is missing");
    } else if (signal === "unknown_version") {
      this.#consumer?.unsubscribe();
      this.#setStatus(
        "upgrade_required",
        `entry ${
          this.#feed.fed + 1
        } has subject ${subject}, which this version does not know`,
      );
    }
    this.#wake?.();
  }

  propose(batch: number, payload: Uint8Array<ArrayBuffer>): Promise<void> {
    // What is published while NATS is away would be queued or dropped unseen.
    if (this.#status.state !== "connected") {
      return Promise.reject(new NotStoredError(this.#status.reason));
    }
    const { proposal, ended } = this.#proposals.add(
      batch,
      payload,
      performance.now(),
    );
    this.#publish(proposal);
    return ended;
  }

  #publish({ batch, payload }: Proposal): void {
    const head = headers();
    head.set(MESSAGE_ID, this.#feed.messageId(batch));
    head.set("Nats-Expected-Stream", this.options.stream);
    this.#connection.publish(this.#subject, payload, {
      headers: head,
      reply: `${this.#ackPrefix}.${batch}`,
    });
  }

  #tick(): void {
    const now = performance.now();
    const dropped = this.#presenceGate.takeDropped();
    if (dropped > 0) this.presence?.dropped(dropped);
    this.#proposals.expire(now);
    if (this.#status.state !== "connected") return;
    if (now - this.#heardAt > SILENCE_MAX_MS) {
      this.#recover("the log gives no sign of life");
      return;
    }
    for (const proposal of this.#proposals.retry(now)) this.#publish(proposal);
    if (now - this.#lookedAt > LOOK_MS) {
      this.#lookedAt = now;
      this.#look();
    }
  }

  /** Looks what the stream's settings and limits are now. */
  async #look(): Promise<void> {
    let info: StreamInfo;
    try {
      info = await this.#manager.streams.info(this.options.stream);
    } catch {
      // The heartbeats tell when the stream is gone or the broker away.
      return;
    }
    if (this.#isOver) return;
    this.onFirstSequence(firstSequence(info.state));
    const wrong = this.#wrongSettings(info);
    if (wrong !== undefined) this.#recover(wrong);
  }

  #setStatus(state: LogStatus["state"], reason: string): void {
    if (this.#isOver) return;
    if (this.#status.state === state && this.#status.reason === reason) return;
    this.#status = { state, reason };
    this.onStatus(this.#status);
  }

  #fail(error: LogFailedError): void {
    if (this.#closed) return;
    this.#failure ??= error;
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ticker);
    this.#wake?.();
    this.#proposals.abandon("The log was closed");
    await this.#connection?.close();
  }
}

function connectionOptions(options: JetStreamOptions): ConnectionOptions {
  const { servers, user, password, token, creds, ca } = options;
  return {
    name: `usergrade ${options.replicaId}`,
    servers: [...servers],
    inboxPrefix: inboxPrefix(options),
    timeout: REQUEST_TIMEOUT_MS,
    // The default gives up for good after ten attempts.
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_MS,
    ignoreAuthErrorAbort: true,
    pingInterval: 5_000,
    noAsyncTraces: true,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(creds !== undefined && {
      authenticator: credsAuthenticator(new TextEncoder().encode(creds)),
    }),
    ...(ca !== undefined && { tls: { ca } }),
  };
}

/** The first entry still there: an empty stream has 0, a purged one last + 1. */
function firstSequence({ first_seq }: StreamInfo["state"]): number {
  return Math.max(first_seq, 1);
}

/** A prefix of its own, so that a NATS user needs no more than its inboxes. */
function inboxPrefix({ replicaId }: JetStreamOptions): string {
  return `_INBOX.usergrade.${replicaId}`;
}

/**
 * A message's headers; undefined if it has none, or what the library can't
 * read. It parses them when they are looked at, and what it throws in a
 * callback would end the connection: anyone may send such a message.
 */
function headersOf(message: { readonly headers?: MsgHdrs }) {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
}

function apiErrorCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** What trying again can't mend: JetStream understood, and says no. */
function failedIfFinal(error: unknown): unknown {
  const code = error instanceof NatsError ? error.api_error?.code : undefined;
  return code !== undefined && code >= 400 && code < 500
    ? new LogFailedError(`JetStream refused: ${describe(error)}`, {
      cause: error,
    })
    : error;
}

function describe(error: unknown): string {
  if (error instanceof NatsError && error.code === "503") {
    return "JetStream is not available";
  }
  return error instanceof Error ? error.message : "for good";
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
