/**
 * A log on a real broker, opened and consumed in the test's own process.
 *
 * @module
 */
import assert from "node:assert/strict";
import { connect, type ConnectionOptions, type NatsConnection } from "nats";
import type { EntryVersion } from "../../src/log/change.ts";
import { JetStreamLog } from "../../src/log/jetstream/jetstream_log.ts";
import type { MembersChannel } from "../../src/log/jetstream/members_channel.ts";
import type { JetStreamOptions } from "../../src/log/jetstream/options.ts";
import type { LogEntry, LogLimits, LogStatus } from "../../src/log/log.ts";
import { eventually } from "./eventually.ts";
import type { NatsServer } from "./nats_server.ts";

/** How a log on this server is opened. */
export function options(
  server: NatsServer,
  others: Partial<JetStreamOptions> = {},
): JetStreamOptions {
  return {
    engine: "jetstream",
    servers: [server.url],
    stream: "USERGRADE",
    streamReplicas: 1,
    replicaId: "a",
    commitTimeout_ms: 2000,
    ...others,
  };
}

/** Hears nothing. */
export const DEAF = {
  status: () => {},
  limits: () => {},
  warn: () => {},
  hearOthers: () => {},
};

/** A log that is open and consumed, with all that it said. */
export class Session implements AsyncDisposable {
  readonly entries: LogEntry[] = [];
  readonly statuses: LogStatus[] = [];
  readonly warnings: string[] = [];
  /** The hearings that it wanted. */
  readonly hearings: number[] = [];
  /** Whether it goes on at once when the others are to be heard. */
  hearsAtOnce = true;
  /** What the log has and takes, as it was told last. */
  limits: LogLimits | undefined;
  readonly log: JetStreamLog;
  #consumed: Promise<void> = Promise.resolve();

  constructor(
    server: NatsServer,
    others: Partial<JetStreamOptions> = {},
    private readonly after = 0,
    members?: MembersChannel,
  ) {
    this.log = new JetStreamLog(
      options(server, others),
      {
        status: (status) => this.statuses.push(status),
        limits: (limits) => this.limits = limits,
        warn: (message) => this.warnings.push(message),
        hearOthers: (hearing) => {
          this.hearings.push(hearing);
          if (this.hearsAtOnce) this.log.othersHeard(hearing);
        },
      },
      members,
    );
  }

  static async open(
    server: NatsServer,
    others: Partial<JetStreamOptions> = {},
    after = 0,
    members?: MembersChannel,
  ): Promise<Session> {
    const session = new Session(server, others, after, members);
    await session.consume();
    await session.until("connected");
    return session;
  }

  /** Opens the log and takes its entries. */
  async consume(): Promise<void> {
    await this.log.open();
    this.#consumed = this.#consume();
  }

  /** Takes the entries after another one from now on; those from before end. */
  async goOnAfter(sequence: number): Promise<void> {
    const before = this.#consumed;
    this.#consumed = this.#consume(sequence);
    await before;
  }

  async #consume(after = this.after): Promise<void> {
    for await (const { entries } of this.log.entries(after)) {
      this.entries.push(...entries);
    }
  }

  get state(): LogStatus["state"] | undefined {
    return this.statuses[this.statuses.length - 1]?.state;
  }

  /** The last reason. */
  get reason(): string {
    return this.statuses.at(-1)?.reason ?? "";
  }

  /** Waits until it says why it is as it is. */
  async untilReason(reason: RegExp): Promise<void> {
    await eventually(() => assert.match(this.reason, reason));
  }

  async until(state: LogStatus["state"]): Promise<void> {
    await eventually(() => assert.equal(this.state, state));
  }

  /** Proposes one batch; resolves when it is committed. */
  async propose(batch: number, version?: EntryVersion): Promise<void> {
    await this.log.propose(batch, payload(`u${batch}`), version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close();
    await this.#consumed;
  }
}

export function payload(id: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`[{"user_id":"${id}"}]`);
}

export async function withClient<T>(
  server: NatsServer,
  use: (connection: NatsConnection) => Promise<T>,
  login: Pick<ConnectionOptions, "user" | "pass"> = {},
): Promise<T> {
  const connection = await connect({ servers: server.url, ...login });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
