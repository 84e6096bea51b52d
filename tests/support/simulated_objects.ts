/**
 * The stream of an object bucket in memory: it stores, keeps and lets go of
 * messages as nats-server does.
 *
 * @module
 */
import type { MsgHdrs } from "nats";
import { Buffer } from "node:buffer";
import {
  ApiError,
  NO_MESSAGE_FOUND,
  STREAM_NOT_FOUND,
  WRONG_LAST_SEQUENCE,
} from "../../src/log/jetstream/api.ts";
import {
  decodeMeta,
  type ObjectMeta,
} from "../../src/log/jetstream/object_meta.ts";
import {
  bucketOf,
  bucketStream,
  chunkIdOf,
  chunkSubject,
  metaSubject,
} from "../../src/log/jetstream/object_names.ts";
import { isTrue } from "./simulated_backup.ts";
import { DATE_MS } from "./simulated_broker.ts";

/** The bucket of the simulated log. */
const BUCKET = bucketOf("USERGRADE");

/** What a server refuses most often. */
const NO_MESSAGE = new ApiError(NO_MESSAGE_FOUND, "no message found");
const NO_STREAM = new ApiError(STREAM_NOT_FOUND, "stream not found");

/** JetStream's code for a full stream. */
const STREAM_FULL = 10077;

interface ObjectMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly time_ms: number;
  /** As it was answered last; undefined if its data was changed since. */
  answer: unknown;
}

/** An object that is a snapshot, as only a test can see it. */
export interface SeenSnapshot {
  readonly meta: ObjectMeta;
  /** Whether it is what it says, whatever anyone finds who reads it. */
  readonly isWhole: boolean;
  /** When its last chunk was stored, in simulated time. */
  readonly stored_ms: number;
}

/** What a bucket held at one moment. */
export interface BucketCopy {
  readonly config: unknown;
  readonly messages: ReadonlyMap<number, ObjectMessage>;
  readonly last: number;
}

/** What a bucket that is gone holds. */
export const NO_BUCKET: BucketCopy = {
  config: undefined,
  messages: new Map(),
  last: 0,
};

/** One bucket. */
export class SimulatedObjects {
  #config: unknown;
  #messages = new Map<number, ObjectMessage>();
  #last = 0;
  /** Whether it takes nothing more. */
  isFull = false;
  readonly #decoded = new WeakMap<Uint8Array, ObjectMeta>();
  /** Counts changes. */
  version = 0;

  /** @returns The answer to a question about it. */
  answer(question: string, body: string, now_ms: number): unknown {
    if (question === `STREAM.CREATE.${bucketStream(BUCKET)}`) {
      this.#config ??= JSON.parse(body);
      return { config: this.#config };
    }
    if (this.#config === undefined) throw NO_STREAM;
    const asked = JSON.parse(body);
    switch (question) {
      case `STREAM.UPDATE.${bucketStream(BUCKET)}`:
        this.#config = asked;
        return { config: asked };
      case `STREAM.INFO.${bucketStream(BUCKET)}`:
        return {
          config: this.#config,
          state: { subjects: this.#subjects(asked.subjects_filter) },
        };
      case `STREAM.MSG.GET.${bucketStream(BUCKET)}`:
        return { message: this.#get(asked) };
      case `STREAM.PURGE.${bucketStream(BUCKET)}`:
        this.#purge(asked.filter, asked.seq ?? Infinity);
        return { success: true };
      default:
        throw new Error(`${question} is not simulated at ${now_ms}`);
    }
  }

  #subjects(filter: string | undefined): Record<string, number> {
    const subjects: Record<string, number> = {};
    if (filter === undefined) return subjects;
    for (const { subject } of this.#messages.values()) {
      if (matches(subject, filter)) {
        subjects[subject] = (subjects[subject] ?? 0) + 1;
      }
    }
    return subjects;
  }

  #get(
    { last_by_subj, next_by_subj, seq }: {
      last_by_subj?: string;
      next_by_subj?: string;
      seq?: number;
    },
  ): unknown {
    const found = last_by_subj === undefined
      ? this.#first(next_by_subj!, seq!)
      : this.#lastOn(last_by_subj);
    const message = this.#messages.get(found);
    if (message === undefined) throw NO_MESSAGE;
    return message.answer ??= {
      seq: found,
      data: Buffer.from(message.data).toString("base64"),
      time: new Date(message.time_ms).toISOString(),
    };
  }

  #first(on: string, from: number): number {
    for (const [sequence, { subject }] of this.#messages) {
      if (sequence >= from && subject === on) return sequence;
    }
    return 0;
  }

  /** 0 if there is none. */
  #lastOn(on: string): number {
    let last = 0;
    for (const [sequence, { subject }] of this.#messages) {
      if (subject === on) last = sequence;
    }
    return last;
  }

  #purge(filter: string, before: number): void {
    for (const [sequence, { subject }] of this.#messages) {
      if (sequence < before && matches(subject, filter)) {
        this.#messages.delete(sequence);
        this.version++;
      }
    }
  }

  /** Stores a message, and answers as the stream does. */
  publish(
    subject: string,
    data: Uint8Array | string,
    headers: MsgHdrs | undefined,
    now_ms: number,
  ): { stream: string; seq: number } {
    if (this.#config === undefined) {
      throw new ApiError(0, "JetStream is not available: no stream takes it");
    }
    const expected = headers?.get("Nats-Expected-Last-Subject-Sequence");
    if (expected && Number(expected) !== this.#lastOn(subject)) {
      throw new ApiError(WRONG_LAST_SEQUENCE, "wrong last sequence");
    }
    if (this.isFull) throw new ApiError(STREAM_FULL, "maximum bytes exceeded");
    const sequence = ++this.#last;
    this.#messages.set(sequence, {
      subject,
      data: typeof data === "string"
        ? new TextEncoder().encode(data)
        : Uint8Array.from(data),
      time_ms: DATE_MS + now_ms,
      answer: undefined,
    });
    if (headers?.get("Nats-Rollup") === "sub") this.#purge(subject, sequence);
    this.version++;
    return { stream: bucketStream(BUCKET), seq: sequence };
  }

  /** All snapshots, of whatever log, in no order. */
  snapshots(): SeenSnapshot[] {
    const seen: SeenSnapshot[] = [];
    for (const { subject, data } of this.#messages.values()) {
      if (!matches(subject, metaSubject(BUCKET))) continue;
      let meta = this.#decoded.get(data);
      if (meta === undefined) {
        meta = decodeMeta(data);
        if (meta === undefined) continue;
        this.#decoded.set(data, meta);
      }
      seen.push({ meta, ...this.#seen(meta) });
    }
    return seen;
  }

  #seen({ chunkId, chunks }: ObjectMeta): Omit<SeenSnapshot, "meta"> {
    const on = chunkSubject(BUCKET, chunkId);
    const found = [...this.#messages.values()]
      .filter(({ subject }) => subject === on);
    const stored_ms = (found.at(-1)?.time_ms ?? DATE_MS) - DATE_MS;
    if (found.length !== chunks) return { isWhole: false, stored_ms };
    let isWhole = this.#whole.get(found[0].data);
    if (isWhole === undefined) {
      isWhole = isTrue(Buffer.concat(found.map(({ data }) => data)));
      this.#whole.set(found[0].data, isWhole);
    }
    return { isWhole, stored_ms };
  }

  /** Whether files are what they say, by their first chunks. */
  #whole = new WeakMap<Uint8Array, boolean>();

  /** @returns What it holds now. */
  copy(): BucketCopy {
    return {
      config: this.#config,
      messages: new Map(this.#messages),
      last: this.#last,
    };
  }

  /** Holds from now on what it held when it was copied. */
  putBack({ config, messages, last }: BucketCopy): void {
    this.#config = config;
    this.#messages = new Map(messages);
    this.#last = last;
    this.version++;
  }

  /** Flips a bit of a snapshot, or takes one of its chunks. */
  damage({ chunkId }: ObjectMeta, below: (n: number) => number): void {
    const on = chunkSubject(BUCKET, chunkId);
    const chunks = [...this.#messages]
      .filter(([, { subject }]) => subject === on);
    if (chunks.length === 0) return;
    this.#whole = new WeakMap();
    const [sequence, message] = chunks[below(chunks.length)];
    const { data } = message;
    message.answer = undefined;
    if (below(2) === 0) this.#messages.delete(sequence);
    else data[below(data.length)] ^= 1 << below(8);
    this.version++;
  }

  /** Takes a snapshot away by hand. */
  remove({ name, chunkId }: ObjectMeta): void {
    this.#purge(metaSubject(BUCKET, name), Infinity);
    this.#purge(chunkSubject(BUCKET, chunkId), Infinity);
  }

  /** The ids of chunks that belong to no object. */
  orphans(): string[] {
    const known = new Set(
      this.snapshots().map(({ meta: { chunkId } }) => chunkId),
    );
    const ids = Object.keys(this.#subjects(chunkSubject(BUCKET)))
      .map(chunkIdOf);
    return ids.filter((id) => !known.has(id));
  }
}

/** The only wildcard here stands at the end. */
function matches(subject: string, filter: string): boolean {
  return filter.endsWith(">")
    ? subject.startsWith(filter.slice(0, -1))
    : subject === filter;
}
