/**
 * HTTP Basic authentication by RFC 7617.
 *
 * @module
 */
import { HttpError } from "./problem.ts";
import type { Handler } from "./router.ts";
import type { Unauthorized } from "./unauthorized.ts";

/** The only user whose requests are accepted. */
export interface Credentials {
  /** Without a colon. */
  readonly user: string;
  /**
   * Any of them is accepted, so that a password can be changed while replicas and
   * clients know the old one or the new one. The first one logs in to peers.
   */
  readonly passwords: readonly [string, ...string[]];
}

/**
 * The longest `Authorization` header that is checked. The runtime accepts heads
 * of some hundred kilobytes, and every character costs time.
 */
export const AUTHORIZATION_CHARACTERS_MAX = 16 * 1024;

const CHALLENGE = 'Basic realm="usergrade", charset="UTF-8"';

const SCHEME = /^basic +([A-Za-z0-9+/_=-]+) *$/i;

const utf8 = new TextEncoder();

/** Stands for a header without credentials: no user has an empty name. */
const NOTHING = new Uint8Array(0);

/**
 * @param header The value of an `Authorization` header.
 * @returns The bytes of `user:password`, or `undefined` if it has none.
 */
export function parseBasicAuth(header: string): Uint8Array | undefined {
  const match = SCHEME.exec(header);
  if (match === null) return undefined;
  try {
    return Uint8Array.fromBase64(match[1]);
  } catch {
    return undefined;
  }
}

/** @returns The header that most clients send for these credentials. */
function spelled(userinfo: Uint8Array): string {
  return `Basic ${userinfo.toBase64()}`;
}

/**
 * Lets a request through to `handler` only with the right credentials.
 *
 * @param credentials The right credentials.
 * @param handler What they guard.
 * @param refused Counts the requests without them.
 * @param hint What else to tell them, if anything.
 * @returns A handler that answers 401 to those.
 */
export function basicAuth(
  credentials: Credentials,
  handler: Handler,
  refused: Pick<Unauthorized, "missing" | "wrong">,
  hint: (url: string) => string | undefined = () => undefined,
): Handler {
  const headers = credentials.passwords.map((password) =>
    spelled(utf8.encode(`${credentials.user}:${password}`))
  );
  const isRight = (header: string) =>
    isOneOf(headers, (one) => equalInConstantTime(header, one));

  const allowed = (header: string): boolean => {
    if (header.length > AUTHORIZATION_CHARACTERS_MAX) return false;
    // Nearly every right header is spelled like ours. Of any other the
    // credentials count, and not how they are spelled.
    return isRight(header) ||
      isRight(spelled(parseBasicAuth(header) ?? NOTHING));
  };

  const refuse = (credentials: "missing" | "wrong", url: string): HttpError => {
    refused[credentials]++;
    const hinted = hint(url);
    return new HttpError(
      401,
      (credentials === "missing"
        ? "This needs HTTP Basic authentication: send the user and the password"
        : "The user or the password is wrong") +
        (hinted === undefined ? "" : `. ${hinted}`),
      { headers: { "www-authenticate": CHALLENGE } },
    );
  };

  return (request, query) => {
    const header = request.headers.get("authorization");
    if (header === null || !allowed(header)) {
      throw refuse(header === null ? "missing" : "wrong", request.url);
    }
    return handler(request, query);
  };
}

/**
 * Compares in a time that depends on the length of `given` alone, which its
 * sender knows.
 */
function equalInConstantTime(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let i = 0; i < given.length; i++) {
    difference |= given.charCodeAt(i) ^
      expected.charCodeAt(i % expected.length);
  }
  return difference === 0;
}

/** Whether any matches; checks all of them, even after a match. */
function isOneOf<T>(all: readonly T[], matches: (one: T) => boolean): boolean {
  let found = false;
  for (const one of all) found = matches(one) || found;
  return found;
}
