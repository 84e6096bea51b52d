/**
 * Asking one JetStream stream what it has, over one connection. It decides
 * nothing.
 *
 * @module
 */
import { isPending } from "../fence.ts";
import type { HealPoint } from "../healable_log.ts";
import type { LogLocation } from "../log.ts";
import {
  ApiError,
  type Asking,
  isCode,
  NO_MESSAGE_FOUND,
  STREAM_NOT_FOUND,
} from "./api.ts";
import { formatTime } from "./delivery.ts";
import { AFTER, MESSAGE_ID } from "./feed_message.ts";
import type { StreamConfig } from "./stream_config.ts";
import { isFenceSubject } from "./subjects.ts";
import { fenceOf, findFences } from "./stream_fences.ts";
import type { StoredEntry, StreamLook, StreamQuestion } from "./stream_look.ts";

/** What JetStream says of a stream, as far as it matters here. */
export interface StreamInfo {
  readonly created: string;
  readonly config: StreamConfig;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly messages: number;
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

const decoder = new TextDecoder();

/** A stream of a server, to be read. */
export class StreamReader {
  /**
   * @param api The server.
   * @param name The stream's name; it may not be there.
   * @param maxPayload_bytes The largest message that the server takes now.
   * @param serverVersion The server's version.
   */
  constructor(
    protected readonly api: Asking,
    protected readonly name: string,
    private readonly maxPayload_bytes: () => number,
    private readonly serverVersion: () => string = () => "",
  ) {}

  /**
   * Where no server leads, some server answers with the end that it knows:
   * nats-server 2.15.1 said 19 for a while after a restart, where 20 was the
   * truth. That must not look like a log that has lost its tail.
   */
  protected async info(): Promise<StreamInfo> {
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
      info = await this.info();
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
      ...(info.cluster?.leader && { leader: info.cluster.leader }),
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
    const { first_seq, last_seq } = (await this.info()).state;
    if (sequence < first_seq || sequence > last_seq) {
      throw new ApiError(
        0,
        `the stream has let go of entry ${sequence} while it was looked at`,
      );
    }
  }

  /** @returns Where the stream stands, as {@linkcode ReplicatedLog.locate} says it. */
  async locate(sequence: number): Promise<LogLocation> {
    const info = await this.info();
    const entry = sequence > 0 ? await this.entry(sequence) : undefined;
    const { first_seq, last_seq, messages } = info.state;
    const removed = last_seq < first_seq || messages === 0
      ? 0
      : last_seq - first_seq + 1 - messages;
    const isBefore = sequence > 0 && sequence === first_seq - 1 &&
      last_seq >= first_seq;
    return {
      firstSequence: firstSequence(info),
      lastSequence: last_seq,
      time: entry?.time,
      ...(removed > 0 && { removed }),
      ...(isBefore && { begin: beginOf(await this.entry(first_seq)) }),
    };
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
      const lines = headerLines(message);
      return {
        sequence: message.seq,
        time: formatTime(message.time),
        messageId: headerOf(lines, MESSAGE_ID),
        ...afterOf(lines),
        subject: message.subject,
        data: Uint8Array.fromBase64(message.data ?? ""),
      };
    } catch (error) {
      if (isCode(error, NO_MESSAGE_FOUND)) return undefined;
      throw error;
    }
  }
}

/** The first entry still there: an empty stream has 0, a purged one last + 1. */
export function firstSequence({ state }: StreamInfo): number {
  return Math.max(state.first_seq, 1);
}

/** What a log's first entry says of what came before it. */
function beginOf(
  first: StoredEntry | undefined,
): NonNullable<LogLocation["begin"]> {
  const after = first?.after;
  return { mark: first && markOf(first), ...(after && { after }) };
}

/** @returns What an entry says if it is a mark. */
function markOf(entry: StoredEntry): HealPoint | undefined {
  if (!isFenceSubject(entry.subject)) return undefined;
  const fence = fenceOf(entry);
  return fence === undefined || isPending(fence)
    ? undefined
    : { sequence: fence.sequence, digest: fence.digest };
}

function afterOf(lines: readonly string[]): Pick<StoredEntry, "after"> {
  const after = headerOf(lines, AFTER);
  return after === "" ? {} : { after };
}

/** The lines of a message's headers, which anyone may have written. */
function headerLines({ hdrs = "" }: StoredMessage): string[] {
  return decoder.decode(Uint8Array.fromBase64(hdrs)).split("\r\n");
}

/** A header; empty if it is not there. */
function headerOf(lines: readonly string[], name: string): string {
  const line = lines.find((one) => one.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? "";
}
