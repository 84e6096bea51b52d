/**
 * One JetStream stream, asked over one connection. It decides nothing.
 *
 * @module
 */
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  ReplayPolicy,
  type StreamConfig,
  type StreamInfo,
} from "nats";
import type { LogLocation } from "../log.ts";
import { describe, headersOf, REQUEST_TIMEOUT_MS } from "./connection.ts";
import { formatTime } from "./delivery.ts";
import { MESSAGE_ID } from "./entry_feed.ts";
import { HEARTBEAT_MS, SILENCE_MAX_MS } from "./liveness.ts";
import type { EntryIdentity, StreamLook, StreamQuestion } from "./same_log.ts";
import type { Trouble } from "./session_events.ts";
import { newStreamConfig } from "./stream_config.ts";

/** JetStream's error codes: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const STREAM_NOT_FOUND = 10059;
const NO_MESSAGE_FOUND = 10037;

/** A stream of a server. */
export class Stream {
  private constructor(
    private readonly manager: JetStreamManager,
    private readonly name: string,
  ) {}

  /** @returns The stream with a name, which may not be there. */
  static async over(
    connection: NatsConnection,
    name: string,
  ): Promise<Stream> {
    const manager = await connection.jetstreamManager({
      checkAPI: false,
      timeout: REQUEST_TIMEOUT_MS,
    });
    return new Stream(manager, name);
  }

  /** @returns What the stream says; undefined if it is not there. */
  async look(question: StreamQuestion): Promise<StreamLook | undefined> {
    let info: StreamInfo;
    try {
      info = await this.manager.streams.info(this.name);
    } catch (error) {
      if (apiErrorCode(error) === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
    const { first_seq, last_seq } = info.state;
    const { identify, require } = question;
    const isThere = (sequence: number | undefined): sequence is number =>
      sequence !== undefined && sequence >= first_seq && sequence <= last_seq;
    return {
      created: info.created,
      config: info.config,
      // An empty stream has 0, a purged one last + 1.
      firstSequence: Math.max(first_seq, 1),
      lastSequence: last_seq,
      identified: isThere(identify) ? await this.entry(identify) : undefined,
      isRequiredMissing: isThere(require) &&
        await this.entry(require) === undefined,
    };
  }

  /** Makes the stream; another replica may be faster, its stream is the log then. */
  async make(replicas: number, id: string): Promise<StreamLook | undefined> {
    const question = { identify: undefined, require: undefined };
    try {
      await this.manager.streams.add(
        newStreamConfig(this.name, replicas, id) as StreamConfig,
      );
    } catch (error) {
      const look = await this.look(question).catch(() => undefined);
      if (look === undefined) throw error;
      return look;
    }
    return await this.look(question);
  }

  /** @returns Where the stream stands, as {@linkcode ReplicatedLog.locate} says it. */
  async locate(sequence: number): Promise<LogLocation> {
    const { state } = await this.manager.streams.info(this.name);
    const entry = sequence > 0 ? await this.entry(sequence) : undefined;
    return {
      firstSequence: Math.max(state.first_seq, 1),
      lastSequence: state.last_seq,
      time: entry?.time,
    };
  }

  /** @returns The entry at a sequence; undefined if the stream does not have it. */
  async entry(sequence: number): Promise<EntryIdentity | undefined> {
    try {
      const entry = await this.manager.streams.getMessage(this.name, {
        seq: sequence,
      });
      const headers = headersOf({
        get headers() {
          return entry.header;
        },
      });
      return {
        sequence,
        time: formatTime(entry.timestamp),
        messageId: headers?.get(MESSAGE_ID) ?? "",
      };
    } catch (error) {
      if (apiErrorCode(error) === NO_MESSAGE_FOUND) return undefined;
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
    await this.manager.consumers.add(this.name, {
      deliver_subject: inbox,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: first,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      flow_control: true,
      idle_heartbeat: HEARTBEAT_MS * 1_000_000,
      inactive_threshold: 10 * SILENCE_MAX_MS * 1_000_000,
      mem_storage: true,
      num_replicas: 1,
      max_deliver: 1,
    });
  }
}

function apiErrorCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** Why a question has no answer, and whether asking again can help. */
export function troubleOf(error: unknown): Trouble {
  const code = error instanceof NatsError ? error.api_error?.code : undefined;
  return {
    reason: describe(error),
    isFinal: code !== undefined && code >= 400 && code < 500,
  };
}
