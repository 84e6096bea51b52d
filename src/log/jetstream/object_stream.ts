/**
 * The stream of a bucket of NATS' object store, asked over one connection. It
 * decides nothing.
 *
 * The library's object store is not used, because it has no back pressure: an
 * object that is written faster than the server stores it, or arrives faster
 * than it is used, fills the memory.
 *
 * @module
 */
import { headers } from "nats";
import {
  ApiError,
  type Asking,
  isCode,
  NO_MESSAGE_FOUND,
  STREAM_NOT_FOUND,
} from "./api.ts";
import { bucketStream } from "./object_names.ts";
import { PURGE_TIMEOUT_MS } from "./stream.ts";

/** How long the servers may take to make a stream, or to store or read a message. */
const MAKE_TIMEOUT_MS = 10_000;
const MESSAGE_TIMEOUT_MS = 10_000;

/** What of a bucket's configuration matters here. */
export interface BucketConfig {
  readonly storage?: string;
  readonly discard?: string;
  readonly max_age?: number;
  readonly max_msgs_per_subject?: number;
  readonly allow_rollup_hdrs?: boolean;
  readonly deny_purge?: boolean;
  readonly persist_mode?: string;
  readonly sealed?: boolean;
  /** On how many servers it is kept. */
  readonly num_replicas?: number;
}

/** A message of the stream. */
export interface ObjectMessage {
  readonly sequence: number;
  readonly data: Uint8Array<ArrayBuffer>;
  /** When the server took it, in milliseconds since 1970. */
  readonly time_ms: number;
}

/** What a message must find on its subject to be stored. */
export interface PublishCondition {
  /** The sequence of the subject's last message; 0 for none. */
  readonly lastOnSubject: number;
}

/** The stream of one bucket. */
export class ObjectStream {
  readonly #name: string;

  /**
   * @param api The server.
   * @param bucket The bucket; it may not be there.
   */
  constructor(private readonly api: Asking, bucket: string) {
    this.#name = bucketStream(bucket);
  }

  /** @returns How the bucket is set; undefined if it is not there. */
  async config(): Promise<BucketConfig | undefined> {
    const info = await this.#info({});
    return info?.config as BucketConfig | undefined;
  }

  /**
   * @param filter A subject with a wildcard.
   * @returns The subjects that have messages, 100,000 at most: the server gives
   * no more at once. None if the bucket is not there.
   */
  async subjects(filter: string): Promise<string[]> {
    const info = await this.#info({ subjects_filter: filter });
    const state = info?.state as { subjects?: Record<string, number> };
    return Object.keys(state?.subjects ?? {});
  }

  async #info(body: unknown): Promise<Record<string, unknown> | undefined> {
    return await undefinedAt(
      STREAM_NOT_FOUND,
      this.api.ask(`STREAM.INFO.${this.#name}`, body),
    );
  }

  /**
   * Makes the bucket, as the NATS library does.
   *
   * @param bucket Its name.
   * @param servers On how many servers it is kept.
   */
  async make(bucket: string, servers: number): Promise<void> {
    await this.api.ask(`STREAM.CREATE.${this.#name}`, {
      name: this.#name,
      subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
      storage: "file",
      retention: "limits",
      discard: "new",
      max_age: 0,
      num_replicas: servers,
      allow_rollup_hdrs: true,
      allow_direct: true,
    }, { timeout_ms: MAKE_TIMEOUT_MS });
  }

  /** @returns On how many servers another stream is kept; undefined if it is gone. */
  async serversOf(stream: string): Promise<number | undefined> {
    const info = await undefinedAt(
      STREAM_NOT_FOUND,
      this.api.ask(`STREAM.INFO.${stream}`),
    );
    return (info?.config as { num_replicas: number } | undefined)?.num_replicas;
  }

  /**
   * Keeps it on as many servers.
   *
   * @param config As it is set now.
   */
  async spread(config: BucketConfig, servers: number): Promise<void> {
    await this.api.ask(
      `STREAM.UPDATE.${this.#name}`,
      { ...config, num_replicas: servers },
      { timeout_ms: MAKE_TIMEOUT_MS },
    );
  }

  /** @returns The last message on a subject; undefined if there is none. */
  last(subject: string): Promise<ObjectMessage | undefined> {
    return this.#message({ last_by_subj: subject });
  }

  /**
   * The stream's leader answers: another server may not have it yet.
   *
   * @returns The first message on a subject from a sequence on.
   */
  next(subject: string, sequence: number): Promise<ObjectMessage | undefined> {
    return this.#message({ seq: sequence, next_by_subj: subject });
  }

  async #message(question: unknown): Promise<ObjectMessage | undefined> {
    const answer = await undefinedAt(
      STREAM_NOT_FOUND,
      undefinedAt(
        NO_MESSAGE_FOUND,
        this.api.ask(`STREAM.MSG.GET.${this.#name}`, question, {
          timeout_ms: MESSAGE_TIMEOUT_MS,
        }),
      ),
    );
    if (answer === undefined) return undefined;
    const { seq, data = "", time } = answer.message as {
      seq: number;
      data?: string;
      time: string;
    };
    return {
      sequence: seq,
      data: Uint8Array.fromBase64(data),
      time_ms: Date.parse(time),
    };
  }

  /**
   * Stores a message.
   *
   * @param condition What must be true of its subject; such a message then
   * replaces those before it.
   * @returns Its sequence.
   * @throws {ApiError} If it is not stored, or not known to be.
   */
  async publish(
    subject: string,
    data: Uint8Array | string,
    condition?: PublishCondition,
  ): Promise<number> {
    const head = headers();
    if (condition !== undefined) {
      const { lastOnSubject } = condition;
      head.set("Nats-Rollup", "sub");
      head.set("Nats-Expected-Last-Subject-Sequence", String(lastOnSubject));
    }
    const { stream, seq } = await this.api.request(subject, data, {
      ...(condition !== undefined && { headers: head }),
      timeout_ms: MESSAGE_TIMEOUT_MS,
    });
    if (stream !== this.#name || typeof seq !== "number") {
      throw new ApiError(
        0,
        `${subject} went to the stream ${stream} and not to ${this.#name}`,
      );
    }
    return seq;
  }

  /**
   * Deletes the messages on a subject.
   *
   * @param last Only up to this sequence; undefined for all.
   */
  async purge(subject: string, last?: number): Promise<void> {
    await undefinedAt(
      STREAM_NOT_FOUND,
      this.api.ask(`STREAM.PURGE.${this.#name}`, {
        filter: subject,
        ...(last !== undefined && { seq: last + 1 }),
      }, { timeout_ms: PURGE_TIMEOUT_MS }),
    );
  }
}

/** @returns The answer; undefined where the server refuses with a code. */
async function undefinedAt<T>(
  code: number,
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isCode(error, code)) return undefined;
    throw error;
  }
}
