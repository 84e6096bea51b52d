/**
 * One connection to NATS and all that goes over it: questions to the stream,
 * the consumer's messages, batches and their answers. It decides nothing.
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
import { ApiError, JetStreamApi } from "./api.ts";
import {
  describe,
  endsConnection,
  headersOf,
  inboxPrefix,
  openConnection,
  UnusableConnectionError,
} from "./connection.ts";
import { type FeedMessage, MESSAGE_ID, SEAM } from "./entry_feed.ts";
import type { MembersChannel } from "./members_channel.ts";
import { isSnapshotSubject } from "./object_names.ts";
import type { JetStreamOptions } from "./options.ts";
import type { PublishAction, SessionEvent } from "./session_events.ts";
import { Stream } from "./stream.ts";
import {
  isFenceSubject,
  type OwnSubjects,
  ownSubjects,
} from "./stream_config.ts";

const decoder = new TextDecoder();

/** What comes over a line. */
export interface LineListener {
  /** A message of the consumer. */
  message(message: FeedMessage): void;
  /** Something that the session has to hear of. */
  event(event: SessionEvent): void;
}

/** One connection, until it ends. Nothing that comes over it throws. */
export class Line {
  readonly stream: Stream;
  /**
   * For what a replica can do without: snapshots, cutting the log behind them,
   * and healing it. The session hears nothing of it, forbidden or not.
   */
  readonly aside: JetStreamApi;
  /** The stream, asked aside. */
  readonly asideStream: Stream;
  readonly #subjects: OwnSubjects;
  /** Where the stream answers to batches: a subject for each. */
  readonly #ackPrefix: string;
  #consumer: Subscription | undefined;
  /**
   * What the consumer has sent until it is known where it is; undefined from
   * then on. NATS sends no more than some MiB before it is answered.
   */
  #held: FeedMessage[] | undefined;
  /** Why this side has ended it. */
  #end: UnusableConnectionError | undefined;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly options: JetStreamOptions,
    private readonly listener: LineListener,
    private readonly members: MembersChannel | undefined,
    wasAway: boolean,
  ) {
    const { stream, replicaId } = options;
    this.#subjects = ownSubjects(stream, replicaId);
    this.#ackPrefix = createInbox(inboxPrefix(replicaId));
    const streamOver = (api: JetStreamApi) =>
      new Stream(
        api,
        stream,
        () => this.maxPayload_bytes,
        () => this.serverVersion,
      );
    this.stream = streamOver(new JetStreamApi(connection, replicaId));
    this.aside = new JetStreamApi(connection, replicaId);
    this.asideStream = streamOver(this.aside);
    connection.closed().then((error) =>
      this.aside.fail(
        new ApiError(0, `the connection to NATS is lost: ${describe(error)}`),
      )
    );
    connection.subscribe(`${this.#ackPrefix}.*`, {
      callback: (error, message) => {
        if (error === null) this.#receiveAck(message);
      },
    });
    members?.attach(connection, wasAway);
    this.#listen();
  }

  /**
   * Connects to one of the servers.
   *
   * @param wasAway Whether earlier attempts failed, or a connection was lost.
   * @throws {Error} If none can be used.
   */
  static async open(
    options: JetStreamOptions,
    servers: readonly string[],
    listener: LineListener,
    members: MembersChannel | undefined,
    wasAway: boolean,
  ): Promise<Line> {
    const connection = await openConnection(options, servers);
    return new Line(connection, options, listener, members, wasAway);
  }

  /** Other servers of the same cluster, as this one tells. */
  get otherServers(): readonly string[] {
    return this.connection.info?.connect_urls ?? [];
  }

  /** The largest message that the server takes now, in bytes. */
  get maxPayload_bytes(): number {
    return this.connection.info?.max_payload ?? 0;
  }

  /** The server's id: another one each time that it is started. */
  get serverId(): string {
    return this.connection.info?.server_id ?? "";
  }

  /** The server's version; empty if it does not say it. */
  get serverVersion(): string {
    return this.connection.info?.version ?? "";
  }

  /** @returns Why it ended, once it has. */
  async ended(): Promise<unknown> {
    const error = await this.connection.closed();
    return this.#end ?? error;
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.connection.close();
  }

  /** Hears what the server complains of. */
  async #listen(): Promise<void> {
    const statuses = this.connection.status();
    for await (const { type, data, permissionContext } of statuses) {
      const { subject = "", operation } = permissionContext ?? {};
      if (this.members?.forbidden(subject)) continue;
      if (operation === "publish") {
        const isAsked = this.aside.forbidden(subject);
        if (!isAsked && !this.#isAside(subject)) {
          this.listener.event({ type: "forbidden", subject });
        }
      } else if (operation === "subscription") {
        // It is said once a connection, and nothing is answered on this one.
        this.#end = new UnusableConnectionError(
          `NATS does not allow to subscribe to ${subject}, which a replica needs`,
        );
        await this.close();
      } else if (type === "error" && !endsConnection(String(data))) {
        this.listener.event({ type: "complained", reason: String(data) });
      }
    }
  }

  /** Whether the session does without what is published to a subject. */
  #isAside(subject: string): boolean {
    return isSnapshotSubject(subject, this.options.stream) ||
      isFenceSubject(subject);
  }

  /**
   * Starts a consumer in the place of the one before. It gives its messages once
   * it is taken.
   *
   * @param first The sequence of the first entry wanted.
   * @returns The server that it is on, if that is told.
   */
  async consume(first: number): Promise<string | undefined> {
    this.stopConsumer();
    this.#held = [];
    const inbox = createInbox(inboxPrefix(this.options.replicaId));
    const consumer = this.connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null || consumer !== this.#consumer) return;
        const { subject, reply, data } = message;
        const head = headersOf(message);
        const header = (name: string) => head?.get(name) ?? "";
        const bytes = bytesOf(message);
        const given = { subject, reply, data, header, bytes };
        if (this.#held === undefined) this.listener.message(given);
        else this.#held.push(given);
      },
    });
    this.#consumer = consumer;
    return await this.stream.consume(first, inbox);
  }

  /** The consumer gives its messages from now on. */
  takeConsumer(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.listener.message(message);
  }

  /** Takes no more messages of the consumer. */
  stopConsumer(): void {
    this.#consumer?.unsubscribe();
    this.#consumer = undefined;
    this.#held = undefined;
  }

  /** Lets the consumer send more. */
  answerFlow(reply: string): void {
    if (!this.connection.isClosed()) this.connection.publish(reply);
  }

  /** Publishes a batch or a probe. */
  publish(
    { batch, messageId, payload, version, seam, after, lastOwn }: PublishAction,
  ): void {
    const head = headers();
    head.set(MESSAGE_ID, messageId);
    if (seam !== undefined) head.set(SEAM, String(seam));
    head.set("Nats-Expected-Stream", this.options.stream);
    if (after !== undefined) {
      head.set("Nats-Expected-Last-Sequence", String(after));
    }
    if (lastOwn !== undefined) {
      head.set(
        "Nats-Expected-Last-Subject-Sequence",
        String(lastOwn.sequence),
      );
      // From nats-server 2.11 on. Older ones look on the subject of the message,
      // and refuse it: that is confirmed, as every such refusal.
      if (lastOwn.version !== version) {
        head.set(
          "Nats-Expected-Last-Subject-Sequence-Subject",
          this.#subjects[lastOwn.version],
        );
      }
    }
    try {
      this.connection.publish(this.#subjects[version], payload, {
        headers: head,
        reply: `${this.#ackPrefix}.${batch}`,
      });
    } catch (error) {
      const { code } = error as { code?: string };
      const reason = code === "MAX_PAYLOAD_EXCEEDED"
        ? `${payload.length} bytes and their headers are more than the NATS server's max_payload, ${this.maxPayload_bytes}`
        : describe(error);
      this.listener.event({ type: "unsent", batch, reason });
    }
  }

  /** An ack does not commit, the entry does; but a refusal may end the batch. */
  #receiveAck(message: Msg): void {
    const reason = refusalOf(message);
    if (reason === undefined) return;
    const batch = Number(message.subject.slice(this.#ackPrefix.length + 1));
    this.listener.event({ type: "refused", batch, reason });
  }
}

/** The bytes of a message without its reply subject. */
function bytesOf(message: Msg): number {
  // The class has it; its interface does not say so.
  const size = (message as Msg & { size(): number }).size();
  return size - (message.reply?.length ?? 0);
}

/** How the ack of a stored batch begins; that of a refused one has `error` first. */
const STORED = new TextEncoder().encode('{"stream":');

/** Why the stream refused a batch; undefined if it did not, or if it is no ack. */
function refusalOf(message: Msg): string | undefined {
  // Most acks are of stored batches, and need no reading.
  if (STORED.every((byte, i) => message.data[i] === byte)) return undefined;
  if (headersOf(message)?.code === 503) return "JetStream is not available";
  try {
    const { error } = JSON.parse(decoder.decode(message.data));
    return error === undefined
      ? undefined
      : `JetStream refused: ${error.description}`;
  } catch {
    return undefined;
  }
}
