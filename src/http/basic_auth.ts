/**
 * HTTP Basic authentication by RFC 7617.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { HttpError } from "./problem.ts";
import type { Handler } from "./router.ts";

/** The one user who may come in. */
export interface Credentials {
  /** Without a colon. */
  readonly user: string;
  readonly password: string;
}

const CHALLENGE = 'Basic realm="usergrade", charset="UTF-8"';

const SCHEME = /^basic +([A-Za-z0-9+/_=-]+) *$/i;

const utf8 = new TextEncoder();

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

/**
 * Lets a request through to `handler` only with the right credentials.
 *
 * @param credentials The right ones.
 * @param handler What they guard.
 * @returns A handler that answers 401 to all others.
 */
export function basicAuth(
  credentials: Credentials,
  handler: Handler,
): Handler {
  const userinfo = utf8.encode(`${credentials.user}:${credentials.password}`);
  const expectedHeader = `Basic ${userinfo.toBase64()}`;
  const expectedHash = sha256(userinfo);

  const allowed = (header: string): boolean => {
    // Nearly every right header is spelled just so, and comparing it in
    // JavaScript costs a tenth of hashing it.
    if (equalInConstantTime(header, expectedHeader)) return true;
    const given = parseBasicAuth(header);
    return given !== undefined && timingSafeEqual(sha256(given), expectedHash);
  };

  return (request, query) => {
    const header = request.headers.get("authorization");
    if (header === null || !allowed(header)) {
      throw new HttpError(
        401,
        header === null
          ? "This needs HTTP Basic authentication"
          : "The user or the password is wrong",
        { headers: { "www-authenticate": CHALLENGE } },
      );
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

/** Hashes have one length, so that comparing them tells nothing of the password's. */
function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
