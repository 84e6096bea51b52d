/**
 * Where the two listeners are, as a client knows them.
 *
 * @module
 */
import { ownUrl } from "../server/own_host.ts";

/** One of the two listeners. */
export type ListenerName = "set" | "get";

/** Where the listeners are. */
export interface ListenerPlaces {
  readonly isTls: boolean;
  /** The port of one; a port of 0 is known once it is bound. */
  port(listener: ListenerName): number;
}

/** The URL of each listener, without a slash at the end. */
export type ListenerUrls = Readonly<Record<ListenerName, string>>;

/**
 * The listener that was asked is where the client found it. The other one is
 * taken to be on the same host, at the port that it binds.
 *
 * @param request Of a client.
 * @param own The listener that it asks.
 * @throws {HttpError} 400, if the `Host` header is not a host.
 */
export function listenerUrls(
  request: Request,
  own: ListenerName,
  { isTls, port }: ListenerPlaces,
): ListenerUrls {
  const url = ownUrl(request, isTls);
  const here = url.origin;
  url.port = String(port(own === "set" ? "get" : "set"));
  return own === "set"
    ? { set: here, get: url.origin }
    : { set: url.origin, get: here };
}
