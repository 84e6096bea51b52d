/**
 * A log worker that is connected to a broker, for tests of its bucket.
 *
 * @module
 */
import { LogClient } from "../../src/log/thread/log_client.ts";
import type { JetStreamOptions } from "../../src/log/jetstream/options.ts";
import type { LogLimits, LogStatus } from "../../src/log/log.ts";
import type { FilePlace } from "../../src/snapshot/file_place.ts";
import { eventually } from "./eventually.ts";
import { options } from "./jetstream_session.ts";
import type { NatsServer } from "./nats_server.ts";

/** One replica's log, opened and consumed, and its bucket. */
export class BucketClient implements AsyncDisposable {
  readonly log = new LogClient();
  readonly statuses: LogStatus[] = [];
  limits: LogLimits | undefined;
  /** What the listener heard of entries. */
  entries = 0;
  bytes = 0;
  lastBatch = 0;
  firstSequence: number | undefined;

  private constructor() {
    this.log.listen({
      entries: (entries, _last, bytes, taken) => {
        this.entries += entries.length;
        this.bytes += bytes;
        taken();
      },
      status: (status) => this.statuses.push(status),
      firstSequence: (sequence) => this.firstSequence = sequence,
      limits: (limits) => this.limits = limits,
      warn: () => {},
      // There is no other replica.
      hearOthers: (hearing) => this.log.othersHeard(hearing),
      proposalFailed: () => {},
      failed: () => {},
    });
  }

  static async open(
    server: NatsServer,
    others: Partial<JetStreamOptions> = {},
  ): Promise<BucketClient> {
    const client = new BucketClient();
    await client.log.connect(options(server, others));
    await client.log.open();
    client.log.consume(0, null);
    await client.untilConnected();
    return client;
  }

  get files(): FilePlace {
    return this.log.files;
  }

  /** How the log is. */
  get status(): LogStatus | undefined {
    return this.statuses.at(-1);
  }

  async untilConnected(): Promise<void> {
    await eventually(() => {
      if (this.status?.state !== "connected") {
        throw new Error(`not connected: ${this.status?.reason}`);
      }
    });
  }

  /** Proposes sets, each an entry, and waits until they have come back. */
  async set(count: number): Promise<void> {
    const before = this.entries;
    for (let i = 0; i < count; i++) {
      this.log.propose(++this.lastBatch, `[{"user_id":"u${i}"}]`);
    }
    await eventually(() => {
      if (this.entries - before < count) throw new Error("entries are missing");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close();
  }
}
