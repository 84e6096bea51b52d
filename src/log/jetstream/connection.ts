/**
 * One connection to NATS: how it is made, and why it failed.
 *
 * @module
 */
import {
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
} from "nats";
import { passwordLine } from "../../password_line.ts";
import type { JetStreamOptions } from "./options.ts";
import { PAYLOAD_BYTES_MIN } from "./stream_config.ts";

/** How long the server may take to accept this replica. */
const CONNECT_TIMEOUT_MS = 2_000;

/** How often the server is pinged; two pings without an answer end the connection. */
const PING_INTERVAL_MS = 5_000;

/** A connection can't be used; the message tells an operator why. */
export class UnusableConnectionError extends Error {
  override name = "UnusableConnectionError";
}

/**
 * Tries each server once.
 *
 * @param options How to log in. Its files are read each time, since credentials
 * and certificates expire and are replaced.
 * @param servers The servers' addresses.
 * @returns A connection that does not reconnect when it is lost.
 */
export async function openConnection(
  options: JetStreamOptions,
  servers: readonly string[],
): Promise<NatsConnection> {
  const { user, token, passwordFile, credsFile, caFile } = options;
  const line = await read("NATS_PASSWORD_FILE", passwordFile);
  const password = line === undefined ? options.password : passwordLine(line);
  const creds = await read("NATS_CREDS_FILE", credsFile);
  const ca = await read("NATS_TLS_CA_FILE", caFile);
  const all: ConnectionOptions = {
    name: `usergrade ${options.replicaId}`,
    servers: [...servers],
    inboxPrefix: inboxPrefix(options.replicaId),
    timeout: CONNECT_TIMEOUT_MS,
    reconnect: false,
    pingInterval: PING_INTERVAL_MS,
    noAsyncTraces: true,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(creds !== undefined && {
      authenticator: credsAuthenticator(new TextEncoder().encode(creds)),
    }),
    ...(ca !== undefined && { tls: { ca: await normalized(ca) } }),
  };
  return await connect(all);
}

/** What can't be read, the TLS library is left to complain of. */
async function normalized(ca: string): Promise<string> {
  const { normalizeCertificates } = await import("../../pem.ts");
  return normalizeCertificates(ca) ?? ca;
}

async function read(
  variable: string,
  path: string | undefined,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new UnusableConnectionError(
      `Cannot read ${variable}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Each replica has its own prefix, so that its NATS user needs no other inboxes. */
export function inboxPrefix(replicaId: string): string {
  return `_INBOX.usergrade.${replicaId}`;
}

/** What errors of TLS say. */
const TLS = /certificate|tls|ssl|alert/i;

function messageOf(error: Error): string {
  return error.message || ((error as { code?: string }).code ?? "");
}

/**
 * Whether the error that ended a connection, or an attempt, is a server's that
 * does not want this replica, or can't be used.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof UnusableConnectionError) return true;
  if (!(error instanceof NatsError)) return TLS.test(messageOf(error));
  return error.isAuthError() || error.isAuthTimeout() ||
    ["BAD_CREDS", "BAD_AUTHENTICATION", "TLS"].includes(error.code);
}

/** What an error means to an operator, in a few words. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return "NATS has closed it";
  if (error instanceof UnusableConnectionError) return error.message;
  if (error instanceof NatsError) return describeNats(error);
  const message = messageOf(error);
  if (TLS.test(message)) {
    return `NATS can't be trusted, or does not trust this replica, over TLS: ${message}; see NATS_TLS_CA_FILE and the server's certificate`;
  }
  return `NATS does not answer: ${message}`;
}

const CREDENTIALS =
  "see NATS_USER, NATS_PASSWORD, NATS_PASSWORD_FILE, NATS_TOKEN, NATS_CREDS_FILE";

function describeNats(error: NatsError): string {
  switch (error.code) {
    case "AUTHENTICATION_EXPIRED":
    case "ACCOUNT_EXPIRED":
      return `The credentials for NATS have expired: ${CREDENTIALS}`;
    case "BAD_CREDS":
    case "BAD_AUTHENTICATION":
      return `The credentials for NATS can't be read: ${CREDENTIALS}`;
    case "CONNECTION_REFUSED":
      return "NATS does not answer: connection refused";
    case "TIMEOUT":
      return "NATS does not answer in time";
    case "TLS":
      return `NATS can't be reached over TLS: ${error.message}`;
    case "MAX_PAYLOAD_EXCEEDED":
      return `a message is larger than the max_payload that the NATS server had when this replica connected: set it to ${PAYLOAD_BYTES_MIN} or more, and restart the server`;
  }
  if (error.isAuthError()) {
    return `The NATS server refused the credentials: ${CREDENTIALS}`;
  }
  return `NATS does not answer: ${error.message}`;
}

/** Whether an error that the server complains of ends the connection anyway. */
export function endsConnection(code: string): boolean {
  return /^(AUTHORIZATION_VIOLATION|AUTHENTICATION_|ACCOUNT_EXPIRED)/.test(
    code,
  );
}

/**
 * A message's headers; undefined if it has none, or what the library can't
 * read. It parses them when they are looked at, and what it throws in a
 * callback would end the connection: anyone may send such a message.
 */
export function headersOf(
  message: { readonly headers?: MsgHdrs },
): MsgHdrs | undefined {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
}
