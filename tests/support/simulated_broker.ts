/**
 * A JetStream broker in memory, with one stream: it takes, keeps and delivers
 * entries as nats-server does, and does wrong what a test tells it to.
 *
 * @module
 */
import type {
  StreamLook,
  StreamQuestion,
} from "../../src/log/jetstream/stream_look.ts";
import { identityDescription } from "../../src/log/jetstream/log_identity.ts";
import {
  newStreamConfig,
  type StreamConfig,
} from "../../src/log/jetstream/stream_config.ts";
import type { HealPoint } from "../../src/log/healable_log.ts";
import {
  healPointOf,
  SimulatedStream,
  type StoredEntry,
} from "./simulated_stream.ts";

/** The date at which simulated time begins, as `Date.now()`. */
export const DATE_MS = 1_700_000_000_000;

/** A consumer: what it has sent, and who takes it. */
export interface SimulatedConsumer {
  /** The sequence of the next entry to send. */
  next: number;
  /** Whether it gives no sign of life at all. */
  isSilent: boolean;
  /** Whether someone has paused it: heartbeats come, entries don't. */
  isPaused: boolean;
  deliver(entry: StoredEntry, pending: number): void;
  heartbeat(lastSent: number): void;
}

/** A message on its way into the stream. */
export interface PublishedMessage {
  readonly messageId: string;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** What it says of the seam that it makes. */
  readonly seam?: string | undefined;
  /** The stream is to take it only directly after this entry. */
  readonly after?: number | undefined;
  /** What it says of when the log took that entry. */
  readonly afterTime?: string | undefined;
  /** The stream is to take it only if this is its last entry on a subject. */
  readonly lastOn?: { readonly subject: string; readonly sequence: number };
}

/** What the stream says to a message. */
export type Stored =
  | { readonly type: "stored"; readonly sequence: number }
  /** It has one with that message id. */
  | { readonly type: "duplicate" }
  | { readonly type: "wrong_last_sequence" };

/** A broker: its stream, its consumers, and all that it ever stored. */
export class SimulatedBroker {
  stream: SimulatedStream | undefined;
  readonly consumers = new Set<SimulatedConsumer>();
  /** Whether it takes the credentials. */
  isOpen = true;
  /** Whether it answers questions. */
  isAnswering = true;
  /** Whether it takes entries; else it is silent. */
  isStoring = true;
  /** Whether someone has edited the stream's settings to what can't be used. */
  isMisconfigured = false;
  /** What a server that is behind answers in the stream's stead. */
  behind: SimulatedStream | undefined;
  /** Every entry that was ever stored, by its key. */
  readonly everStored = new Map<string, StoredEntry>();
  /** The key of the entry before each. */
  readonly #before = new Map<string, string | undefined>();
  #nanoseconds = 0;
  #streams = 0;

  /** @returns The key of the entry at a heal point, whose state has its digest. */
  keyAt: (point: HealPoint) => string | undefined = () => undefined;
  /** Told of each entry that the stream has taken. */
  stored: (entry: StoredEntry) => void = () => {};
  #isUp = true;
  /** How often it was started. */
  epoch = 1;

  /** @param servers On how many servers the stream is kept. */
  constructor(readonly servers: number) {}

  /** Whether it runs. */
  get isUp(): boolean {
    return this.#isUp;
  }

  set isUp(isUp: boolean) {
    if (isUp && !this.#isUp) this.epoch++;
    this.#isUp = isUp;
  }

  /** @returns A server's id: another one each time that all are started. */
  serverId(server: number): string {
    return `server ${server}, start ${this.epoch}`;
  }

  /** @returns The keys of an entry and of all that were before it, in order. */
  keysUpTo(key: string | undefined): string[] {
    const keys: string[] = [];
    for (let at = key; at !== undefined; at = this.#before.get(at)) {
      keys.push(at);
    }
    return keys.reverse();
  }

  /**
   * Makes the stream if it is not there.
   *
   * @param config Its settings; those of a new log if left out.
   */
  makeStream(config?: StreamConfig): SimulatedStream {
    return this.stream ??= new SimulatedStream(
      `2026-01-01T00:00:0${this.#streams++}Z`,
      config ?? newStreamConfig(
        "USERGRADE",
        this.servers,
        String(this.#streams).padStart(16, "0"),
      ),
    );
  }

  /** @returns What the stream answers; undefined if there is none. */
  look(question: StreamQuestion): StreamLook | undefined {
    const look = (this.behind ?? this.stream)?.look(question);
    if (look === undefined || !this.isMisconfigured) return look;
    return { ...look, config: { ...look.config, duplicate_window: 1_000_000 } };
  }

  /**
   * Takes a message and sends it to the consumers.
   *
   * @returns Why not; undefined if it was taken, or if nothing is said.
   */
  publish(message: PublishedMessage, now_ms: number): string | undefined {
    if (!this.isStoring) return undefined;
    return this.store(message, now_ms)?.type === "wrong_last_sequence"
      ? "wrong last sequence"
      : undefined;
  }

  /**
   * Takes a message, as nats-server 2.15 does: first it compares the sequence,
   * then it looks whether it has the message already.
   *
   * @returns Undefined if there is no stream.
   */
  store(message: PublishedMessage, now_ms: number): Stored | undefined {
    const { stream } = this;
    if (stream === undefined) return undefined;
    const { after = stream.last, messageId, subject, payload, seam } = message;
    const { lastOn, afterTime } = message;
    if (
      after !== stream.last ||
      lastOn !== undefined && lastOn.sequence !== stream.lastOn(lastOn.subject)
    ) {
      return { type: "wrong_last_sequence" };
    }
    const stored = stream.add({
      messageId,
      subject,
      payload: Uint8Array.from(payload),
      seam,
      afterTime,
      nanoseconds: `${DATE_MS + Math.floor(now_ms)}${
        String(this.#nanoseconds++).padStart(6, "0")
      }`,
    });
    if (stored === undefined) return { type: "duplicate" };
    const { history } = stream;
    this.everStored.set(history[history.length - 1], stored);
    this.#before.set(history[history.length - 1], history[history.length - 2]);
    this.stored(stored);
    stream.enforceLimits();
    for (const consumer of this.consumers) this.send(consumer);
    return { type: "stored", sequence: stored.sequence };
  }

  /** @returns The key of the entry before one; undefined before the first. */
  keyBefore(key: string): string | undefined {
    return this.#before.get(key);
  }

  /**
   * Forgets all entries before a sequence. If a fence says that the log is made
   * whole up to there, all that others have applied up to there is its history
   * from now on.
   */
  purge(first: number): void {
    const stream = this.stream!;
    const fence = stream.fenceBefore(first);
    if (fence === undefined || first <= stream.first) {
      return stream.purge(first);
    }
    const healed = this.keyAt(healPointOf(fence)!);
    stream.purge(
      first,
      healed === undefined
        ? Array<string>(first - 1).fill("?")
        : this.keysUpTo(healed),
    );
    const next = stream.history[first - 1];
    if (next !== undefined) this.#before.set(next, healed);
  }

  /** What a replica had applied is the history of a log that was empty. */
  goOnFrom(applied: readonly string[]): void {
    const stream = this.stream!;
    stream.goOnFrom(applied);
    this.#before.set(stream.history[applied.length], applied.at(-1));
  }

  /** Writes the log's identity into the stream's description. */
  writeIdentity(id: string): void {
    if (this.stream === undefined) return;
    const { config } = this.stream;
    const description = identityDescription(id);
    this.stream.config = { ...config, description };
  }

  /** Sends a consumer all that it has not been sent. */
  send(consumer: SimulatedConsumer): void {
    const { stream } = this;
    if (stream === undefined || consumer.isSilent || !this.isUp) return;
    if (consumer.isPaused) return;
    consumer.next = Math.max(consumer.next, stream.first);
    for (; consumer.next <= stream.last; consumer.next++) {
      const entry = stream.entries.get(consumer.next);
      if (entry !== undefined) {
        consumer.deliver(entry, stream.last - entry.sequence);
      }
    }
  }

  /** Sends every consumer a heartbeat. */
  beat(): void {
    for (const consumer of this.consumers) {
      if (!consumer.isSilent && this.isUp) {
        consumer.heartbeat(consumer.next - 1);
      }
    }
  }
}
