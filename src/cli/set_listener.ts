/**
 * The set listener of a running service, as the commands use it.
 *
 * @module
 */
import { hasStrayUserinfo, withoutUserinfo } from "../config/url_userinfo.ts";
import { CommandError } from "./command_error.ts";

/** Who logs in where a URL holds no user. */
export interface Login {
  readonly user: string;
  /** Undefined if none is configured. */
  readonly password: string | undefined;
}

/** The most characters of an answer that is no problem document. */
const DETAIL_CHARACTERS_MAX = 300;

/** The most bytes of an error's answer that are read. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** A URL and the credentials to log in there with. */
export class SetListener {
  /** Without user and password. */
  readonly url: string;
  readonly #headers: Record<string, string>;

  /**
   * @param text Its URL; a user and a password in it are used to log in.
   * @param login Logs in otherwise.
   * @throws {CommandError} If the URL is none, or no password is known.
   */
  constructor(text: string, login: Login) {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol) || url.host === "") {
      throw new CommandError(
        `Cannot use ${
          withoutUserinfo(text)
        } as a URL: it must begin with http:// or https://, as in http://127.0.0.1:8080`,
      );
    }
    if (hasStrayUserinfo(url)) {
      throw new CommandError(
        `Cannot use ${
          withoutUserinfo(text)
        } as a URL: the host ends before an @. Write %2F for /, %3F for ? and %23 for # in a password, and %40 for @ in a path`,
      );
    }
    const userinfo = url.username === ""
      ? configured(login, url.host)
      : `${decode(url.username)}:${decode(url.password)}`;
    url.username = url.password = "";
    this.url = url.href;
    this.#headers = {
      authorization: `Basic ${new TextEncoder().encode(userinfo).toBase64()}`,
    };
  }

  /** @returns The same service at a path below its URL, or that ends it already. */
  at(path: string): string {
    const base = this.url.replace(/\/$/, "");
    return base.endsWith(path) ? base : `${base}${path}`;
  }

  /**
   * Sends a request.
   *
   * @throws {CommandError} If no answer comes; it names the cause.
   */
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    try {
      return await fetch(url, {
        ...init,
        headers: this.#headers,
        // The password is for this service alone.
        redirect: "manual",
      });
    } catch (cause) {
      throw new CommandError(`Cannot reach ${url}: ${reason(cause)}`, {
        cause,
      });
    }
  }
}

/**
 * @param response An answer that is not the one hoped for.
 * @returns Its status and what it says of itself, on one line. A server that
 * refuses a long body may break off after it.
 */
export async function describeAnswer(response: Response): Promise<string> {
  const { status, headers } = response;
  const location = headers.get("location");
  if (location !== null) {
    return `${status}, it has moved to ${withoutUserinfo(location)}`;
  }
  return `${status} ${describeProblem(await beginning(response))}`.trim();
}

async function beginning({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const part of body ?? []) {
      text += decoder.decode(part, { stream: true });
      if (text.length > ANSWER_BYTES_MAX) break;
    }
  } catch {
    // What came is what there is to tell.
  }
  return text;
}

function describeProblem(text: string): string {
  try {
    const { detail, line, rows_committed } = JSON.parse(text);
    return rows_committed === undefined
      ? detail
      : `${detail} (line ${line}; ${rows_committed} rows are committed, importing again is harmless)`;
  } catch {
    return text.slice(0, DETAIL_CHARACTERS_MAX).replace(/\s+/g, " ");
  }
}

/** What the runtime says where only one side speaks TLS, and what to do. */
const TLS_FAULTS = [
  [
    "invalid HTTP version parsed",
    "it does not answer in HTTP. If it speaks TLS, write https://",
  ],
  ["InvalidContentType", "it does not speak TLS. Write http://"],
];

/** Why a request failed: of a failed `fetch` only the cause says it. */
function reason(error: unknown): string {
  const { message } = ((error as Error).cause ?? error) as Error;
  const fault = TLS_FAULTS.find(([text]) => message.includes(text));
  if (fault !== undefined) return fault[1];
  // The runtime repeats the address, which is said already.
  return message.replace(/^error sending request .*?: (?=client error)/, "");
}

function configured({ user, password }: Login, host: string): string {
  if (password === undefined) {
    throw new CommandError(
      `Cannot log in at ${host}: no password is set. Set AUTH_PASSWORD or AUTH_PASSWORD_FILE, or write http://USER:PASSWORD@${host}`,
    );
  }
  return `${user}:${password}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new CommandError(
      "Cannot read the user and password in the URL: write %25 for %",
      { cause },
    );
  }
}
