/**
 * What it means that a request failed, and when it may be sent again.
 *
 * @module
 */
import { readAnswer } from "./answer.ts";
import {
  type Answer,
  OutcomeUnknownError,
  RefusedError,
  UnavailableError,
  type UserGradeError,
} from "./errors.ts";

/** How long is waited if an answer does not say for how long. */
const RETRY_AFTER_MS = 1_000;

/** The longest that is waited, whatever an answer says. */
const RETRY_AFTER_MS_MAX = 30_000;

/**
 * @param before Why an earlier try of a change may have stored it.
 * @param error How the last try failed.
 * @returns The error of both.
 */
export function stillUnknown(
  before: OutcomeUnknownError,
  error: UserGradeError,
): OutcomeUnknownError {
  return error instanceof OutcomeUnknownError ? error : new OutcomeUnknownError(
    `${before.message}; the last try: ${error.message}`,
    error.answer,
    { cause: error },
  );
}

/** What is known of a request that failed. */
export interface FailingRequest {
  /** As in `GET http://127.0.0.1:8081/get`. */
  readonly name: string;
  /** Whether it may have stored something. */
  readonly isChange: boolean;
  /** Whether it is sent again although it may have. */
  readonly retryUnknown: boolean;
}

/** How a request failed. */
export interface Failure {
  readonly error: UserGradeError;
  /** How long to wait before it is sent again; undefined: it is not. */
  readonly wait_ms: number | undefined;
}

/** What Node.js and Bun say of a connection that was never made. */
const UNCONNECTED_CODES: readonly unknown[] = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
];

/** The same in Deno's words. */
const UNCONNECTED = /client error \(Connect\)/;

/** Whether nothing was sent, since there was no connection; browsers do not say. */
function isUnconnected(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { code, message, cause: inner } = cause as Error & { code?: unknown };
  return UNCONNECTED_CODES.includes(code) || UNCONNECTED.test(message) ||
    isUnconnected(inner);
}

/**
 * @param cause Why there was no answer.
 * @returns The failure: nobody knows how far the request went, if it was sent.
 */
export function unanswered(
  { name, isChange, retryUnknown }: FailingRequest,
  cause: unknown,
): Failure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const options = { cause };
  return isChange && !isUnconnected(cause)
    ? {
      error: new OutcomeUnknownError(
        `${name} got no answer (${reason}): whether it is stored is not known`,
        undefined,
        options,
      ),
      wait_ms: retryUnknown ? RETRY_AFTER_MS : undefined,
    }
    : {
      error: new UnavailableError(
        `${name} got no answer: ${reason}`,
        undefined,
        options,
      ),
      wait_ms: RETRY_AFTER_MS,
    };
}

/**
 * @param response An answer other than 200, whose body is read.
 * @returns The failure, by its status.
 */
export async function refused(
  { name, isChange, retryUnknown }: FailingRequest,
  response: Response,
): Promise<Failure> {
  const wait_ms = retryAfter(response.headers);
  const answer = await readAnswer(response);
  const message = describe(name, answer);
  switch (answer.status) {
    // 429 is a proxy's, which has passed nothing on.
    case 429:
    case 503:
      return { error: new UnavailableError(message, answer), wait_ms };
    case 502:
    case 504:
      return isChange
        ? {
          error: new OutcomeUnknownError(message, answer),
          wait_ms: retryUnknown ? wait_ms : undefined,
        }
        : { error: new UnavailableError(message, answer), wait_ms };
    default:
      return { error: new RefusedError(message, answer), wait_ms: undefined };
  }
}

function describe(name: string, { status, detail }: Answer): string {
  // A browser does not say where to.
  if (status === 0) return `${name} was sent elsewhere by the service`;
  return `${name} got ${status}${detail === "" ? "" : `: ${detail}`}`;
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function retryAfter(headers: Headers): number {
  const text = headers.get("retry-after");
  if (text === null) return RETRY_AFTER_MS;
  const wait_ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.now();
  return Number.isNaN(wait_ms)
    ? RETRY_AFTER_MS
    : Math.min(Math.max(wait_ms, 0), RETRY_AFTER_MS_MAX);
}
