/**
 * The set listener of a running service, as the commands use it.
 *
 * @module
 */
import { readAnswer } from "../client/answer.ts";
import {
  type Answer,
  UserGradeClient,
  type UserGradeError,
} from "../client/mod.ts";
import { hasStrayUserinfo, withoutUserinfo } from "../config/url_userinfo.ts";
import { CommandError } from "./command_error.ts";

/** Who logs in where a URL holds no user, and whom the commands trust. */
export interface Login {
  readonly user: string;
  /** Undefined if none is configured. */
  readonly password: string | undefined;
  /** Trusts a CA besides the well-known ones. */
  readonly http?: Deno.HttpClient | undefined;
}

/** A URL and the credentials to log in there with. */
export class SetListener {
  /** Without user and password. */
  readonly url: string;
  readonly #login: { readonly user: string; readonly password: string };
  readonly #fetch: typeof fetch;

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
    this.#login = url.username === "" ? configured(login, url.host) : {
      user: decode(url.username),
      password: decode(url.password),
    };
    url.username = url.password = "";
    this.url = url.href;
    const { http: client } = login;
    this.#fetch = client === undefined
      ? fetch
      : (input, init) => fetch(input, { ...init, client });
  }

  /** @returns The same service at a path below its URL, or that ends it already. */
  at(path: string): string {
    const base = this.url.replace(/\/$/, "");
    return base.endsWith(path) ? base : `${base}${path}`;
  }

  /** @returns A client of it, where {@linkcode at} this path is the client's. */
  client(path: string): UserGradeClient {
    const setUrl = this.at(path).slice(0, -path.length);
    return new UserGradeClient({
      setUrl,
      ...this.#login,
      fetch: this.#fetch,
    });
  }

  /**
   * Sends a request.
   *
   * @throws {CommandError} If no answer comes; it names the cause.
   */
  async fetch(url: string): Promise<Response> {
    const { user, password } = this.#login;
    const userinfo = new TextEncoder().encode(`${user}:${password}`);
    try {
      return await this.#fetch(url, {
        headers: { authorization: `Basic ${userinfo.toBase64()}` },
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

/** @returns Its status and what it says of itself, on one line. */
export async function describeResponse(response: Response): Promise<string> {
  return describeAnswer(await readAnswer(response));
}

/**
 * @param url What was asked.
 * @param error Why the client failed.
 * @returns The same for whoever gave the command.
 */
export function describeFailure(url: string, error: UserGradeError): string {
  return error.answer === undefined
    ? `Cannot reach ${url}: ${reason(error.cause ?? error)}`
    : describeAnswer(error.answer);
}

function describeAnswer({ status, detail, problem }: Answer): string {
  const { line, rows_committed } = problem;
  const stored = rows_committed === undefined
    ? ""
    : ` (line ${line}; ${rows_committed} rows are committed, importing again is harmless)`;
  return `${status}${status < 400 ? "," : ""} ${detail}`.trim() + stored;
}

/** What the runtime says where TLS fails, and what to do. */
const TLS_FAULTS = [
  [
    "invalid HTTP version parsed",
    "it does not answer in HTTP. If it speaks TLS, write https://",
  ],
  ["InvalidContentType", "it does not speak TLS. Write http://"],
  [
    "UnknownIssuer",
    "no CA that is trusted here issued its certificate. Name the file of its CA in PEERS_TLS_CA_FILE",
  ],
];

/** Why a request failed: of a failed `fetch` only the cause says it. */
function reason(error: unknown): string {
  const { message } = ((error as Error).cause ?? error) as Error;
  const fault = TLS_FAULTS.find(([text]) => message.includes(text));
  if (fault !== undefined) return fault[1];
  // The runtime repeats the address, which is said already.
  return message.replace(/^error sending request .*?: (?=client error)/, "");
}

function configured(
  { user, password }: Login,
  host: string,
): { user: string; password: string } {
  if (password === undefined) {
    throw new CommandError(
      `Cannot log in at ${host}: no password is set. Set AUTH_PASSWORD or AUTH_PASSWORD_FILE, or write http://USER:PASSWORD@${host}`,
    );
  }
  return { user, password };
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
