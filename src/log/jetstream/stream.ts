/**
 * Changing one JetStream stream, and having its entries sent, over one
 * connection. It decides nothing.
 *
 * @module
 */
import { ApiError, isCode, TOO_MANY_CONSUMERS } from "./api.ts";
import { HEARTBEAT_MS } from "./liveness.ts";
import { identityDescription } from "./log_identity.ts";
import {
  CONSUMER_INACTIVE_MS,
  newStreamConfig,
  type StreamConfig,
} from "./stream_config.ts";
import { NO_ENTRIES, type StreamLook } from "./stream_look.ts";
import { firstSequence, StreamReader } from "./stream_reader.ts";

/** How long a server may take to let go of messages. */
export const PURGE_TIMEOUT_MS = 10_000;

/** A stream of a server. */
export class Stream extends StreamReader {
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
    await this.#describe((await this.info()).config, identityDescription(id));
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
    const { config } = await this.info();
    await this.#describe(config, identityDescription(id));
    const look = await this.look(NO_ENTRIES);
    if (look === undefined || look.lastSequence === 0) return look;
    await this.#describe(config, config.description ?? "");
    return await this.look(NO_ENTRIES);
  }

  /**
   * Lets go of the entries before one, as `TrimmableLog.trim` says it.
   * Beyond its end a purge would move the stream, and old servers purge all of
   * it before entry 1.
   */
  async trim(sequence: number): Promise<number> {
    const before = await this.info();
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
    const first = firstSequence(await this.info());
    if (success !== true || first < sequence) {
      throw new ApiError(
        0,
        `JetStream was asked to cut the log at ${sequence}, and it begins with ${first}`,
      );
    }
    return first;
  }

  /**
   * Starts a consumer that lives as long as someone listens.
   *
   * @param first The sequence of the first entry wanted.
   * @param inbox Where it sends its messages.
   * @returns The server that it is on; undefined where servers do not know of
   * each other.
   */
  async consume(first: number, inbox: string): Promise<string | undefined> {
    try {
      const answer = await this.api.ask(`CONSUMER.CREATE.${this.name}`, {
        stream_name: this.name,
        config: {
          deliver_subject: inbox,
          deliver_policy: "by_start_sequence",
          opt_start_seq: first,
          ack_policy: "none",
          replay_policy: "instant",
          flow_control: true,
          idle_heartbeat: HEARTBEAT_MS * 1_000_000,
          inactive_threshold: CONSUMER_INACTIVE_MS * 1_000_000,
          mem_storage: true,
          num_replicas: 1,
          max_deliver: 1,
        },
      });
      const { cluster } = answer as { cluster?: { leader?: string } };
      return cluster?.leader;
    } catch (error) {
      if (!isCode(error, TOO_MANY_CONSUMERS)) throw error;
      throw new ApiError(
        TOO_MANY_CONSUMERS,
        `${
          (error as Error).message
        }: each replica needs one on the stream ${this.name}; raise max_consumers of the stream or of the account, or delete consumers that nobody needs`,
      );
    }
  }
}
