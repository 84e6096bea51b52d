/**
 * One JetStream stream, asked over one connection. It decides nothing.
 *
 * @module
 */
import { isPending } from "../fence.ts";
import type { LogLocation } from "../log.ts";
import {
  ApiError,
  type Asking,
  isCode,
  NO_MESSAGE_FOUND,
  STREAM_NOT_FOUND,
} from "./api.ts";
import { formatTime } from "./delivery.ts";
import { MESSAGE_ID } from "./entry_feed.ts";
import { HEARTBEAT_MS, SILENCE_MAX_MS } from "./liveness.ts";
import { findFences } from "./stream_fences.ts";
import {
  NO_ENTRIES,
  type StoredEntry,
  type StreamLook,
  type StreamQuestion,
} from "./stream_look.ts";
import {
  identityDescription,
  newStreamConfig,
  type StreamConfig,
} from "./stream_config.ts";

/** How long a server may take to let go of messages. */
export const PURGE_TIMEOUT_MS = 10_000;

/** What JetStream says of a stream, as far as it matters here. */
interface StreamInfo {
  readonly created: string;
  readonly config: StreamConfig;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly bytes: number;
  };
  /** Left out where servers do not know of each other. */
  readonly cluster?: {
    /** Left out while none leads. */
    readonly leader?: string;
  };
}

/** A message as JetStream gives it by its sequence; the bytes are in base64. */
interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  readonly hdrs?: string;
  readonly data?: string;
  readonly time: string;
}

/** A stream of a server. */
export class Stream {
  /**
   * @param api The server.
   * @param name The stream's name; it may not be there.
   * @param maxPayload_bytes The largest message that the server takes now.
   * @param serverVersion The server's version.
   */
  constructor(
    private readonly api: Asking,
    private readonly name: string,
    private readonly maxPayload_bytes: () => number,
    private readonly serverVersion: () => string = () => "",
  ) {}

  /**
   * Where no server leads, some server answers with the end that it knows:
   * nats-server 2.15.1 said 19 for a while after a restart, where 20 was the
   * truth. That must not look like a log that has lost its tail.
   */
  async #info(): Promise<StreamInfo> {
    const info = await this.api.ask(
      `STREAM.INFO.${this.name}`,
    ) as unknown as StreamInfo;
    if (info.cluster !== undefined && !info.cluster.leader) {
      throw new ApiError(
        0,
        `the stream ${this.name} has no leader: too few of its servers are there`,
      );
    }
    return info;
  }

  /** @returns What the stream says; undefined if it is not there. */
  async look(question: StreamQuestion): Promise<StreamLook | undefined> {
    let info: StreamInfo;
    try {
      info = await this.#info();
    } catch (error) {
      if (isCode(error, STREAM_NOT_FOUND)) return undefined;
      throw error;
    }
    const { first_seq, last_seq, bytes } = info.state;
    const { identify, require } = question;
    const isThere = (sequence: number | undefined): sequence is number =>
      sequence !== undefined && sequence >= Math.max(first_seq, 1) &&
      sequence <= last_seq;
    const find = async (sequence: number | undefined) =>
      isThere(sequence) ? await this.entry(sequence) : undefined;
    const fences = question.fences && last_seq > 0
      ? await findFences(this, this.name)
      : [];
    const pending = fences.find(isPending);
    const known = identify && Math.min(identify, last_seq);
    const required = await find(require);
    const identified = await find(known);
    if (isThere(known) && identified === undefined) {
      await this.#checkAgreement(known, known !== identify);
    }
    return {
      created: info.created,
      config: info.config,
      maxPayload_bytes: this.maxPayload_bytes(),
      serverVersion: this.serverVersion(),
      firstSequence: firstSequence(info),
      lastSequence: last_seq,
      bytes,
      identified,
      isRequiredMissing: isThere(require) && required === undefined,
      ...(required !== undefined && { required }),
      ...(question.fences && { fences }),
      ...(known !== undefined && pending !== undefined && {
        beforeFence: await find(Math.min(known, pending.at - 1)),
      }),
    };
  }

  /**
   * The entry that tells where the stream ends, or what it is, is not there: all
   * other answers may be of another moment, or of another server, too.
   *
   * @param isLast Whether the stream has said that it ends with the entry.
   * @throws {ApiError} Unless someone has deleted the entry.
   */
  async #checkAgreement(sequence: number, isLast: boolean): Promise<void> {
    if (isLast) {
      throw new ApiError(
        0,
        `the servers of NATS do not agree: one says that the stream ends with entry ${sequence}, and another one does not have it`,
      );
    }
    const { first_seq, last_seq } = (await this.#info()).state;
    if (sequence < first_seq || sequence > last_seq) {
      throw new ApiError(
        0,
        `the stream has let go of entry ${sequence} while it was looked at`,
      );
    }
  }

  /** Makes the stream; another replica may be faster, its stream is the log then. */
  async make(replicas: number, id: string): Promise<StreamLook | undefined> {
    try {
      await this.api.ask(
        `STREAM.CREATE.${this.name}`,
        newStreamConfig(this.name, replicas, id),
      );
    } catch (error) {
      const look = await this.look(NO_ENTRIES).catch(() => undefined);
      if (look === undefined) throw error;
      return look;
    }
    return await this.look(NO_ENTRIES);
  }

  /** Writes the log's identity into the stream's description again. */
  async writeIdentity(id: string): Promise<void> {
    await this.#describe((await this.#info()).config, identityDescription(id));
  }

  async #describe(config: StreamConfig, description: string): Promise<void> {
    await this.api.ask(`STREAM.UPDATE.${this.name}`, {
      ...config,
      description,
    });
  }

  /**
   * Gives the stream, which has had no entry, the identity of another log. If it
   * has got one meanwhile, it keeps its own.
   */
  async rename(id: string): Promise<StreamLook | undefined> {
    const { config } = await this.#info();
    await this.#describe(config, identityDescription(id));
    const look = await this.look(NO_ENTRIES);
    if (look === undefined || look.lastSequence === 0) return look;
    await this.#describe(config, config.description ?? "");
    return await this.look(NO_ENTRIES);
  }

  /** @returns Where the stream stands, as {@linkcode ReplicatedLog.locate} says it. */
  async locate(sequence: number): Promise<LogLocation> {
    const info = await this.#info();
    const entry = sequence > 0 ? await this.entry(sequence) : undefined;
    return {
      firstSequence: firstSequence(info),
      lastSequence: info.state.last_seq,
      time: entry?.time,
    };
  }

  /**
   * Lets go of the entries before one, as `TrimmableLog.trim` says it.
   * Beyond its end a purge would move the stream, and old servers purge all of
   * it before entry 1.
   */
  async trim(sequence: number): Promise<number> {
    const before = await this.#info();
    const { first_seq, last_seq } = before.state;
    if (sequence > last_seq) {
      throw new RangeError(
        `Cannot cut the log at ${sequence}: it ends at ${last_seq}`,
      );
    }
    if (sequence <= 1 || sequence <= first_seq) return firstSequence(before);
    const { success } = await this.api.ask(
      `STREAM.PURGE.${this.name}`,
      { seq: sequence },
      { timeout_ms: PURGE_TIMEOUT_MS },
    );
    const first = firstSequence(await this.#info());
    if (success !== true || first < sequence) {
      throw new ApiError(
        0,
        `JetStream was asked to cut the log at ${sequence}, and it begins with ${first}`,
      );
    }
    return first;
  }

  /** @returns The entry at a sequence; undefined if the stream does not have it. */
  entry(sequence: number): Promise<StoredEntry | undefined> {
    return this.#get({ seq: sequence });
  }

  /** @returns The last entry on a subject; undefined if there is none. */
  lastOn(subject: string): Promise<StoredEntry | undefined> {
    return this.#get({ last_by_subj: subject });
  }

  /** @returns The first entry on a subject, at a sequence or later. */
  nextOn(subject: string, sequence: number): Promise<StoredEntry | undefined> {
    return this.#get({ next_by_subj: subject, seq: sequence });
  }

  async #get(question: unknown): Promise<StoredEntry | undefined> {
    try {
      const { message } = await this.api.ask(
        `STREAM.MSG.GET.${this.name}`,
        question,
      ) as unknown as { message: StoredMessage };
      return {
        sequence: message.seq,
        time: formatTime(message.time),
        messageId: messageIdOf(message),
        subject: message.subject,
        data: Uint8Array.fromBase64(message.data ?? ""),
      };
    } catch (error) {
      if (isCode(error, NO_MESSAGE_FOUND)) return undefined;
      throw error;
    }
  }

  /**
   * Starts a consumer that lives as long as someone listens.
   *
   * @param first The sequence of the first entry wanted.
   * @param inbox Where it sends its messages.
   */
  async consume(first: number, inbox: string): Promise<void> {
    await this.api.ask(`CONSUMER.CREATE.${this.name}`, {
      stream_name: this.name,
      config: {
        deliver_subject: inbox,
        deliver_policy: "by_start_sequence",
        opt_start_seq: first,
        ack_policy: "none",
        replay_policy: "instant",
        flow_control: true,
        idle_heartbeat: HEARTBEAT_MS * 1_000_000,
        inactive_threshold: 10 * SILENCE_MAX_MS * 1_000_000,
        mem_storage: true,
        num_replicas: 1,
        max_deliver: 1,
      },
    });
  }
}

/** The first entry still there: an empty stream has 0, a purged one last + 1. */
function firstSequence({ state }: StreamInfo): number {
  return Math.max(state.first_seq, 1);
}

/** The message id among a message's headers, which anyone may have written. */
function messageIdOf({ hdrs = "" }: StoredMessage): string {
  const text = new TextDecoder().decode(Uint8Array.fromBase64(hdrs));
  const line = text.split("\r\n").find((one) =>
    one.startsWith(`${MESSAGE_ID}:`)
  );
  return line?.slice(MESSAGE_ID.length + 1).trim() ?? "";
}
