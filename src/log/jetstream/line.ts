/**
 * One connection to NATS and all that goes over it: questions to the stream,
 * its entries, batches, and what the server complains of. It decides nothing.
 *
 * @module
 */
import { DebugEvents, type NatsConnection } from "nats";
import { ApiError, JetStreamApi } from "./api.ts";
import { BatchPublisher } from "./batch_publisher.ts";
import {
  describe,
  endsConnection,
  inboxPrefix,
  openConnection,
  UnusableConnectionError,
} from "./connection.ts";
import { EntrySubscription } from "./entry_subscription.ts";
import type { FeedMessage } from "./feed_message.ts";
import type { MembersChannel } from "./members_channel.ts";
import { isSnapshotSubject } from "./object_names.ts";
import type { JetStreamOptions } from "./options.ts";
import type { SessionEvent } from "./session_events.ts";
import { Stream } from "./stream.ts";
import { isFenceSubject } from "./subjects.ts";

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
  /** The entries that the stream's consumer sends. */
  readonly entries: EntrySubscription;
  /** Where batches are published. */
  readonly batches: BatchPublisher;
  /** Why this side has ended it. */
  #end: UnusableConnectionError | undefined;
  /** What it ended with, unless it is told why. */
  #stale: Error | undefined;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly options: JetStreamOptions,
    private readonly listener: LineListener,
    private readonly members: MembersChannel | undefined,
    wasAway: boolean,
  ) {
    const { stream, replicaId } = options;
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
    this.ended().then((error) =>
      this.aside.fail(
        new ApiError(0, `the connection to NATS is lost: ${describe(error)}`),
      )
    );
    this.entries = new EntrySubscription(
      connection,
      replicaId,
      (message) => listener.message(message),
    );
    this.batches = new BatchPublisher(
      connection,
      options,
      (event) => listener.event(event),
    );
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
    // The library says only after it that pings got no answer.
    await new Promise((resolve) => setTimeout(resolve));
    return this.#end ?? error ?? this.#stale;
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.connection.close();
  }

  /**
   * Starts a consumer in the place of the one before. It gives its messages once
   * it is taken.
   *
   * @param first The sequence of the first entry wanted.
   * @returns The server that it is on, if that is told.
   */
  async consume(first: number): Promise<string | undefined> {
    return await this.stream.consume(first, this.entries.open());
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
          this.listener.event({
            type: "forbidden",
            subject: this.#permission(subject),
          });
        }
      } else if (operation === "subscription") {
        // It is said once a connection, and nothing is answered on this one.
        this.#end = new UnusableConnectionError(
          `NATS does not allow to subscribe to ${
            this.#permission(subject)
          }, which a replica needs: allow it for this replica's user, as src/OPERATIONS.md lists`,
        );
        await this.close();
      } else if (type === DebugEvents.StaleConnection) {
        this.#stale = new Error("it has missed two pings");
      } else if (type === "error" && !endsConnection(String(data))) {
        this.listener.event({ type: "complained", reason: String(data) });
      }
    }
  }

  /**
   * The permission that a subject needs: each inbox has a name of its own, and so
   * has what each consumer is answered on.
   */
  #permission(subject: string): string {
    const { stream, replicaId } = this.options;
    const prefix = [`${inboxPrefix(replicaId)}.`, `$JS.FC.${stream}.`]
      .find((one) => subject.startsWith(one));
    return prefix === undefined ? subject : `${prefix}>`;
  }

  /** Whether the session does without what is published to a subject. */
  #isAside(subject: string): boolean {
    return isSnapshotSubject(subject, this.options.stream) ||
      isFenceSubject(subject);
  }
}
