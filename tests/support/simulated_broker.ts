/**
 * A JetStream broker in memory, with one stream: it takes, keeps and delivers
 * entries as nats-server does, and does wrong what a test tells it to.
 *
 * @module
 */
import { formatNanoseconds } from "../../src/log/jetstream/delivery.ts";
import { isPending } from "../../src/log/fence.ts";
import type { Fence } from "../../src/log/log.ts";
import { isFenceSubject } from "../../src/log/jetstream/stream_config.ts";
import { fenceOf } from "../../src/log/jetstream/stream_fences.ts";
import type {
  StoredEntry as ReadEntry,
  StreamLook,
  StreamQuestion,
} from "../../src/log/jetstream/stream_look.ts";
import {
  identityDescription,
  newStreamConfig,
  type StreamConfig,
} from "../../src/log/jetstream/stream_config.ts";

/** The date at which simulated time begins, as `Date.now()`. */
export const DATE_MS = 1_700_000_000_000;

/** One entry as the stream keeps it. */
export interface StoredEntry {
  readonly sequence: number;
  /** Nanoseconds since 1970, as digits. */
  readonly nanoseconds: string;
  readonly messageId: string;
  readonly subject: string;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Tells an entry from all that any stream ever took. */
export function entryKey({ sequence, time }: {
  readonly sequence: number;
  readonly time: string;
}): string {
  return `${sequence}@${time}`;
}

/** One stream: what it has, by sequence. */
export class SimulatedStream {
  readonly entries = new Map<number, StoredEntry>();
  /** The keys of all entries from the first on, those that limits took too. */
  readonly history: string[] = [];
  readonly #ids = new Set<string>();
  first = 1;
  last = 0;

  constructor(readonly created: string, public config: StreamConfig) {}

  /** Takes a message, unless it has its id already. */
  add(entry: Omit<StoredEntry, "sequence">): StoredEntry | undefined {
    if (this.#ids.has(entry.messageId)) return undefined;
    this.#ids.add(entry.messageId);
    const stored = { ...entry, sequence: ++this.last };
    this.entries.set(this.last, stored);
    this.history.push(entryKey(readEntry(stored)));
    return stored;
  }

  /**
   * @param created When it was created; another time if it was restored from a
   * backup and not copied as a folder.
   * @returns A copy.
   */
  copy(created = this.created): SimulatedStream {
    const copy = new SimulatedStream(created, this.config);
    for (const entry of this.entries.values()) {
      copy.entries.set(entry.sequence, entry);
      copy.#ids.add(entry.messageId);
    }
    copy.history.push(...this.history);
    copy.first = this.first;
    copy.last = this.last;
    return copy;
  }

  /** Loses all entries after a sequence. */
  cut(last: number): void {
    for (let sequence = last + 1; sequence <= this.last; sequence++) {
      const entry = this.entries.get(sequence);
      if (entry !== undefined) this.#ids.delete(entry.messageId);
      this.entries.delete(sequence);
    }
    this.last = last;
    this.history.length = last;
  }

  /** Forgets all entries before a sequence, as limits do. */
  purge(first: number): void {
    for (; this.first < first; this.first++) this.entries.delete(this.first);
  }

  /** The bytes of all entries, roughly. */
  get bytes(): number {
    return this.entries.size * 100;
  }

  /** @returns An entry as JetStream gives it; undefined if it is not there. */
  message(sequence: number) {
    const entry = this.entries.get(sequence);
    return entry && {
      seq: sequence,
      subject: entry.subject,
      time: formatNanoseconds(entry.nanoseconds),
      hdrs: "",
      data: "",
    };
  }

  /** Forgets what is beyond a limit that was set by hand. */
  enforceLimits(): void {
    const { max_msgs = 0 } = this.config;
    if (max_msgs > 0) this.purge(this.last + 1 - max_msgs);
  }

  /** The fences and marks that it has, oldest first. */
  get fences(): Fence[] {
    return [...this.entries.values()]
      .filter(({ subject }) => isFenceSubject(subject))
      .flatMap((entry) => fenceOf(readEntry(entry)) ?? []);
  }

  #read(sequence: number): ReadEntry | undefined {
    const entry = this.entries.get(sequence);
    return entry && readEntry(entry);
  }

  /** @returns What it answers. */
  look({ identify, require, fences: isAsked }: StreamQuestion): StreamLook {
    const known = identify && Math.min(identify, this.last);
    const fences = isAsked ? this.fences : [];
    const pending = fences.find(isPending);
    return {
      created: this.created,
      config: this.config,
      maxPayload_bytes: 1024 * 1024,
      firstSequence: this.first,
      lastSequence: this.last,
      bytes: this.bytes,
      identified: known && this.#read(known) || undefined,
      fences,
      ...(known !== undefined && pending !== undefined && {
        beforeFence: this.#read(Math.min(known, pending.at - 1)),
      }),
      isRequiredMissing: require !== undefined && require >= this.first &&
        require <= this.last && !this.entries.has(require),
    };
  }
}

function readEntry(entry: StoredEntry): ReadEntry {
  const { sequence, messageId, subject, payload } = entry;
  return {
    sequence,
    time: formatNanoseconds(entry.nanoseconds),
    messageId,
    subject,
    data: payload,
  };
}

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
  #isUp = true;
  #starts = 1;

  /** @param servers On how many servers the stream is kept. */
  constructor(readonly servers: number) {}

  /** Whether it runs. */
  get isUp(): boolean {
    return this.#isUp;
  }

  set isUp(isUp: boolean) {
    if (isUp && !this.#isUp) this.#starts++;
    this.#isUp = isUp;
  }

  /** The server's id: another one each time that it is started. */
  get serverId(): string {
    return `server ${this.#starts}`;
  }

  /** @returns The keys of an entry and of all that were before it, in order. */
  keysUpTo(key: string | undefined): string[] {
    const keys: string[] = [];
    for (let at = key; at !== undefined; at = this.#before.get(at)) {
      keys.push(at);
    }
    return keys.reverse();
  }

  /** Makes the stream if it is not there. */
  makeStream(): SimulatedStream {
    return this.stream ??= new SimulatedStream(
      `2026-01-01T00:00:0${this.#streams++}Z`,
      newStreamConfig(
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
  publish(
    message: {
      messageId: string;
      subject: string;
      payload: Uint8Array;
      after?: number | undefined;
    },
    now_ms: number,
  ): string | undefined {
    const { after = this.stream?.last } = message;
    if (this.stream === undefined || !this.isStoring) return undefined;
    if (after !== this.stream.last) return "wrong last sequence";
    const stored = this.stream.add({
      messageId: message.messageId,
      subject: message.subject,
      payload: Uint8Array.from(message.payload),
      nanoseconds: `${DATE_MS + Math.floor(now_ms)}${
        String(this.#nanoseconds++).padStart(6, "0")
      }`,
    });
    if (stored === undefined) return undefined;
    const { history } = this.stream;
    this.everStored.set(history[history.length - 1], stored);
    this.#before.set(history[history.length - 1], history[history.length - 2]);
    this.stream.enforceLimits();
    for (const consumer of this.consumers) this.send(consumer);
    return undefined;
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
