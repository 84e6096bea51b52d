/**
 * One listener of a service: sends requests there, and again where that is safe.
 *
 * @module
 */
import { OutcomeUnknownError } from "./errors.ts";
import {
  type FailingRequest,
  type Failure,
  refused,
  stillUnknown,
  unanswered,
} from "./failure.ts";

/** How requests are sent. */
export interface SendOptions {
  /** How long a request may take with all its repetitions. */
  readonly timeout_ms: number;
  /** How often a request is repeated at most. */
  readonly retriesMax: number;
  /** Whether a change is repeated although it may be stored already. */
  readonly retryUnknown: boolean;
  readonly fetch: typeof fetch;
}

/** Who logs in. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/** One request. */
export interface Call {
  /** Below the listener's URL, with its query. */
  readonly path: string;
  readonly method?: "GET" | "POST";
  /** Text is JSON. */
  readonly body?: string | Blob | ReadableStream<Uint8Array>;
  /** Whether it may store something. */
  readonly isChange?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** It may take any time, until the signal ends it, and is sent once only. */
  readonly isEndless?: boolean;
}

/** A listener. */
export class Listener {
  /** Without a slash at its end. */
  readonly url: string;
  readonly #authorization: string | undefined;
  readonly #options: SendOptions;

  /**
   * @param url Its base URL.
   * @param login Undefined where a browser, or nobody, logs in.
   * @throws {TypeError} If the URL can't be used. The message does not repeat it:
   * it may hold a password.
   */
  constructor(
    url: string,
    login: Login | undefined,
    options: SendOptions,
  ) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
      throw new TypeError(
        "A URL of the service must begin with http:// or https://, as in http://127.0.0.1:8080",
      );
    }
    if (parsed.username !== "" || parsed.password !== "") {
      throw new TypeError(
        "A URL of the service must not hold a user or a password: give them as `user` and `password`",
      );
    }
    this.url = `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, "");
    this.#authorization = login && basic(login);
    this.#options = options;
  }

  /**
   * Sends a request, and again as long as that is safe and may help.
   *
   * @param read Reads an answer with status 200, in the same time.
   * @returns What was read.
   * @throws {RefusedError} With any other status that a repetition can't change.
   * @throws {UnavailableError} If nothing was stored, and time or tries are over.
   * @throws {OutcomeUnknownError} If a change may be stored.
   * @throws The signal's reason, once it is aborted.
   */
  async send<Result>(
    call: Call,
    read: (response: Response) => Result | Promise<Result>,
  ): Promise<Result> {
    const { timeout_ms, retriesMax } = this.#options;
    const end_ms = performance.now() + timeout_ms;
    let unknown: OutcomeUnknownError | undefined;
    for (let tries = 0;; tries++) {
      const left_ms = end_ms - performance.now();
      const outcome = await this.#try(call, read, left_ms);
      if ("result" in outcome) return outcome.result;
      const { error, wait_ms } = outcome;
      const isOver = wait_ms === undefined || tries >= retriesMax ||
        performance.now() + wait_ms >= end_ms || call.isEndless;
      if (isOver) throw unknown ? stillUnknown(unknown, error) : error;
      if (error instanceof OutcomeUnknownError) unknown ??= error;
      await pause(wait_ms, call.signal);
    }
  }

  async #try<Result>(
    call: Call,
    read: (response: Response) => Result | Promise<Result>,
    limit_ms: number,
  ): Promise<{ readonly result: Result } | Failure> {
    const { path, method = "GET", body, signal } = call;
    signal?.throwIfAborted();
    const url = this.url + path;
    const request: FailingRequest = {
      name: `${method} ${url.replace(/\?.*/, "")}`,
      isChange: call.isChange ?? false,
      retryUnknown: this.#options.retryUnknown,
    };
    // Browsers refuse to run it as a method.
    const { fetch } = this.#options;
    const stop = new AbortController();
    const timer = call.isEndless ? undefined : setTimeout(
      () =>
        stop.abort(new Error(`no answer came in ${Math.ceil(limit_ms)} ms`)),
      limit_ms,
    );
    try {
      const response = await fetch(url, {
        method,
        headers: this.#headers(call),
        // The password is for this service alone.
        redirect: "manual",
        signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
        ...(body !== undefined && { body }),
        // Without it, fetch refuses to send a stream.
        ...(body instanceof ReadableStream && { duplex: "half" }),
      });
      return response.status === 200
        ? { result: await read(response) }
        : await refused(request, response);
    } catch (cause) {
      signal?.throwIfAborted();
      return unanswered(request, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  #headers({ body, headers }: Call): Record<string, string> {
    return {
      ...(typeof body === "string" && { "content-type": "application/json" }),
      ...(this.#authorization !== undefined && {
        authorization: this.#authorization,
      }),
      ...headers,
    };
  }
}

/** RFC 7617, with UTF-8. */
function basic({ user, password }: Login): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  // Node 20 has no `toBase64`.
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** @returns The body of an answer that has one. */
export function bodyOf(
  { body }: Response,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return body ?? new ReadableStream({ start: (empty) => empty.close() });
}

/**
 * @throws The signal's reason, as soon as it is aborted.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const aborted = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
