/**
 * One connection to NATS: how it is made, and why it is not there.
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
import type { JetStreamOptions } from "./options.ts";

/** How long the server may take to answer a question. */
export const REQUEST_TIMEOUT_MS = 2_000;

/** How often the server is asked whether it is still there; two silences end the connection. */
const PING_INTERVAL_MS = 5_000;

/**
 * Tries each server once.
 *
 * @param options How to log in.
 * @param servers The servers' addresses.
 * @returns A connection that ends when it is lost: the next one is another.
 */
export async function openConnection(
  options: JetStreamOptions,
  servers: readonly string[],
): Promise<NatsConnection> {
  return await connect(connectionOptions(options, servers));
}

function connectionOptions(
  options: JetStreamOptions,
  servers: readonly string[],
): ConnectionOptions {
  const { user, password, token, creds, ca } = options;
  return {
    name: `usergrade ${options.replicaId}`,
    servers: [...servers],
    inboxPrefix: inboxPrefix(options.replicaId),
    timeout: REQUEST_TIMEOUT_MS,
    reconnect: false,
    pingInterval: PING_INTERVAL_MS,
    noAsyncTraces: true,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(creds !== undefined && {
      authenticator: credsAuthenticator(new TextEncoder().encode(creds)),
    }),
    ...(ca !== undefined && { tls: { ca } }),
  };
}

/** A prefix of its own, so that a NATS user needs no more than its inboxes. */
export function inboxPrefix(replicaId: string): string {
  return `_INBOX.usergrade.${replicaId}`;
}

/** Whether the server refused the credentials, or they can't be read. */
export function isRefusal(error: unknown): boolean {
  return error instanceof NatsError &&
    (error.isAuthError() || error.code === "BAD_CREDS");
}

/** What an error means to an operator, in a few words. */
export function describe(error: unknown): string {
  if (isRefusal(error)) {
    return "The NATS server refused the credentials: see NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_CREDS_FILE";
  }
  if (error instanceof NatsError && error.code === "503") {
    return "JetStream is not available";
  }
  return error instanceof Error ? error.message : "it has ended";
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
