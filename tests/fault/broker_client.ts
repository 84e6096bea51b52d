/**
 * A connection to one server of the broker, beside those of the replicas.
 *
 * @module
 */
import { connect, type NatsConnection } from "nats";
import { BrokerError, unlessMissing } from "./broker_error.ts";
import { NOTHING } from "./log_record.ts";

/** How long a server that is up may take to answer. */
const ANSWER_MAX_MS = 1_000;

/** How long after a connection broke the next one is tried. */
const RECONNECT_MS = 20;

/** The log's stream. */
export const LOG_STREAM = "USERGRADE";

/** The subject of what says that a log was made whole. */
export const HEAL_SUBJECT = "usergrade.v2.set.$heal";

/** A message as JetStream gives it. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A fence, or, directly after what it says, a mark. */
export interface Heal {
  readonly sequence: number;
  readonly healedTo: number;
}

/** What JetStream says of a stream. */
export interface StreamView {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly bytes: number;
  /** The subjects that were asked for. */
  readonly subjects: readonly string[];
  /** The server that leads it; undefined where there is only one. */
  readonly leader: string | undefined;
}

/** How a client logs in. */
export type BrokerUser = { readonly user?: string; readonly pass?: string };

/** Asks JetStream; each question fails if it is not answered soon. */
export class BrokerClient implements AsyncDisposable {
  private constructor(readonly connection: NatsConnection) {}

  /** Connects, and again whenever the connection breaks. */
  static async connect(
    url: string,
    user: BrokerUser = {},
  ): Promise<BrokerClient> {
    return new BrokerClient(
      await connect({
        servers: url,
        ...user,
        name: "fault run",
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_MS,
        reconnectJitter: 0,
        ignoreClusterUpdates: true,
      }),
    );
  }

  /**
   * @param subject The question, after what all of JetStream's begin with.
   * @returns The answer of JetStream's API, whatever it says.
   * @throws {BrokerError} If it refuses.
   */
  async ask(
    subject: string,
    body: unknown = {},
    // deno-lint-ignore no-explicit-any -- as JetStream's API answers
  ): Promise<any> {
    const { connection } = this;
    const reply = await connection.request(
      `$JS.API.${subject}`,
      JSON.stringify(body),
      { timeout: ANSWER_MAX_MS },
    );
    const answer = reply.json<{ error?: { err_code: number } }>();
    if (answer.error !== undefined) {
      throw new BrokerError(subject, answer.error.err_code);
    }
    return answer;
  }

  /** @returns What a question for a message finds; undefined if nothing. */
  async message(
    stream: string,
    question: unknown,
  ): Promise<StoredMessage | undefined> {
    const found = await unlessMissing(
      this.ask(`STREAM.MSG.GET.${stream}`, question),
    );
    if (found === undefined) return undefined;
    const { subject, seq, data = "" } = found.message;
    return { subject, sequence: seq, data: Uint8Array.fromBase64(data) };
  }

  /** @returns The first entry of the log from a sequence on. */
  async entry(
    sequence: number,
  ): Promise<{ sequence: number; payload: string } | undefined> {
    const found = await this.message(LOG_STREAM, {
      seq: sequence,
      next_by_subj: `${LOG_STREAM.toLowerCase()}.>`,
    });
    return found && {
      sequence: found.sequence,
      // It changes no record.
      payload: found.subject === HEAL_SUBJECT
        ? NOTHING
        : new TextDecoder().decode(found.data),
    };
  }

  /** @returns The newest fence or mark; undefined if there is none. */
  async heal(): Promise<Heal | undefined> {
    const found = await this.message(LOG_STREAM, {
      last_by_subj: HEAL_SUBJECT,
    });
    if (found === undefined) return undefined;
    const { healed_to } = JSON.parse(new TextDecoder().decode(found.data));
    return { sequence: found.sequence, healedTo: healed_to };
  }

  /** @param filter The subjects to list. */
  async look(stream: string, filter?: string): Promise<StreamView> {
    const { state, cluster } = await this.ask(
      `STREAM.INFO.${stream}`,
      filter === undefined ? {} : { subjects_filter: filter },
    );
    return {
      firstSequence: Math.max(1, state.first_seq),
      lastSequence: state.last_seq,
      bytes: state.bytes,
      subjects: Object.keys(state.subjects ?? {}),
      leader: cluster?.leader,
    };
  }

  /** Lets go of one message. */
  async deleteMessage(stream: string, sequence: number): Promise<void> {
    await this.ask(`STREAM.MSG.DELETE.${stream}`, { seq: sequence });
  }

  /** Deletes a stream. */
  async deleteStream(name: string): Promise<void> {
    await this.ask(`STREAM.DELETE.${name}`);
  }

  /** Stores a message. */
  async store(subject: string, data: Uint8Array): Promise<void> {
    const reply = await this.connection.request(subject, data, {
      timeout: ANSWER_MAX_MS,
    });
    const { error } = reply.json<{ error?: { err_code: number } }>();
    if (error !== undefined) throw new BrokerError(subject, error.err_code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}
