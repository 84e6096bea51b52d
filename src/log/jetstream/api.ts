/**
 * JetStream's API: a question, a JSON object, on a subject of its own, and an
 * answer. See https://docs.nats.io/reference/reference-protocols/nats_api_reference
 *
 * These few lines replace the library's: anyone who sees the subject of an
 * answer can write to it, and a message there that the library can't read ends
 * its connection.
 *
 * @module
 */
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from "nats";
import { headersOf, inboxPrefix } from "./connection.ts";

/** How long the server may take to answer a question. */
export const REQUEST_TIMEOUT_MS = 2_000;

/**
 * After how long a question that changes nothing is asked again. A stream of
 * several servers answers nothing while none of them leads it: for seconds after
 * they were started, and most were seen to have a leader a moment later.
 */
export const ASK_AGAIN_MS = 500;

/** The questions that change nothing. */
const READS = /^STREAM\.(INFO|MSG\.GET)\./;

/** JetStream's error codes: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
export const STREAM_NOT_FOUND = 10059;
export const NO_MESSAGE_FOUND = 10037;
export const TOO_MANY_CONSUMERS = 10026;
export const WRONG_LAST_SEQUENCE = 10071;
export const WRONG_LAST_SEQUENCE_IN_BATCH = 10164;

/** The server refused the question, or did not answer. */
export class ApiError extends Error {
  override name = "ApiError";

  /** @param code JetStream's code of the error; 0 if it gave none. */
  constructor(readonly code: number, reason: string) {
    super(reason);
  }
}

/** @returns Whether an error is a refusal of JetStream's with a code. */
export function isCode(error: unknown, code: number): boolean {
  return error instanceof ApiError && error.code === code;
}

/** The server does not allow to publish to the subject of a question. */
export class ForbiddenError extends ApiError {
  override name = "ForbiddenError";

  constructor(readonly subject: string) {
    super(0, `NATS does not allow to publish to ${subject}`);
  }
}

/** How a question is asked. */
export interface RequestOptions {
  readonly headers?: MsgHdrs;
  /** How long the server may take. */
  readonly timeout_ms?: number;
  /** After how long it is asked again; left out if it must not be. */
  readonly again_ms?: number;
}

/** A question that waits for its answer. */
interface Question {
  readonly subject: string;
  readonly resolve: (answer: Record<string, unknown>) => void;
  readonly reject: (error: ApiError) => void;
  timer?: ReturnType<typeof setTimeout>;
}

const decoder = new TextDecoder();

/** What asks JetStream. */
export type Asking = Pick<JetStreamApi, "ask" | "request">;

/** Asks over one connection. */
export class JetStreamApi {
  readonly #inbox: string;
  readonly #waiting = new Map<string, Question>();
  #lastToken = 0;
  /** Why nothing is answered any more; undefined while the connection is there. */
  #failure: ApiError | undefined;

  /** @param replicaId Names the inboxes that this replica may use. */
  constructor(
    private readonly connection: NatsConnection,
    replicaId: string,
  ) {
    this.#inbox = createInbox(inboxPrefix(replicaId));
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
      },
    });
  }

  /**
   * @param subject What is asked, after `$JS.API.`.
   * @param body The question; left out if it has none.
   * @returns The answer, unchecked.
   * @throws {ApiError} If the server says no, or nothing in time.
   */
  ask(
    subject: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<Record<string, unknown>> {
    const data = body === undefined ? "" : JSON.stringify(body);
    return this.request(`$JS.API.${subject}`, data, {
      ...(READS.test(subject) && { again_ms: ASK_AGAIN_MS }),
      ...options,
    });
  }

  /**
   * Publishes a message that JetStream answers: a question, or what a stream is
   * to store.
   *
   * @returns The answer, unchecked.
   * @throws {ApiError} If the server says no, or nothing in time.
   */
  async request(
    subject: string,
    data: Uint8Array | string,
    { headers, timeout_ms = REQUEST_TIMEOUT_MS, again_ms = timeout_ms }:
      RequestOptions = {},
  ): Promise<Record<string, unknown>> {
    if (this.#failure !== undefined) throw this.#failure;
    // The library tells of the end later.
    if (this.connection.isClosed()) {
      throw new ApiError(0, "the connection to NATS is lost");
    }
    const token = String(++this.#lastToken);
    const send = () =>
      this.connection.publish(subject, data, {
        reply: `${this.#inbox}.${token}`,
        ...(headers !== undefined && { headers }),
      });
    send();
    const { promise, resolve, reject } = Promise.withResolvers<
      Record<string, unknown>
    >();
    const question: Question = { subject, resolve, reject };
    this.#waiting.set(token, question);
    const wait = (left_ms: number) => {
      question.timer = setTimeout(() => {
        if (left_ms <= again_ms) {
          return this.#end(
            token,
            new ApiError(0, `NATS does not answer to ${subject} in time`),
          );
        }
        if (!this.connection.isClosed()) send();
        wait(left_ms - again_ms);
      }, Math.min(left_ms, again_ms));
    };
    wait(timeout_ms);
    return await promise;
  }

  /**
   * The server has said that it does not allow to publish to a subject.
   *
   * @returns Whether that was asked here.
   */
  forbidden(subject: string): boolean {
    let isAsked = false;
    for (const [token, question] of this.#waiting) {
      if (question.subject !== subject) continue;
      isAsked = true;
      this.#end(token, new ForbiddenError(subject));
    }
    return isAsked;
  }

  /** The connection has ended: nothing is answered any more. */
  fail(error: ApiError): void {
    this.#failure = error;
    for (const token of this.#waiting.keys()) this.#end(token, error);
  }

  #receive(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const answer = answerOf(message);
    // What can't be read is not the server's: its answer may still come.
    if (answer !== undefined) this.#end(token, answer);
  }

  #end(token: string, answer: Record<string, unknown> | ApiError): void {
    const question = this.#waiting.get(token);
    if (question === undefined) return;
    this.#waiting.delete(token);
    clearTimeout(question.timer);
    if (answer instanceof ApiError) question.reject(answer);
    else question.resolve(answer);
  }
}

/** What a message answers; undefined if it is no answer of JetStream's. */
function answerOf(
  message: Msg,
): Record<string, unknown> | ApiError | undefined {
  if (headersOf(message)?.code === 503) {
    return new ApiError(
      0,
      "JetStream is not available: it is not enabled for this account, or has no leader",
    );
  }
  let value;
  try {
    value = JSON.parse(decoder.decode(message.data));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { error } = value;
  if (error === undefined) return value;
  return new ApiError(
    Number(error?.err_code ?? 0),
    `JetStream refused: ${error?.description}`,
  );
}
