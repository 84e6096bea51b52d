/**
 * The name by which a client knows this service.
 *
 * @module
 */
import { HttpError } from "./problem.ts";

/** What to say of a `Host` header that is none. */
export const NOT_A_HOST =
  "The Host header is not a host: send the name or address, and the port, that the request goes to";

/**
 * @param request Of a client.
 * @param isTls Whether the listeners speak TLS.
 * @returns The URL of the listener that the client has asked, without a path.
 * @throws {HttpError} 400, if the `Host` header is not a host.
 */
export function ownUrl(request: Request, isTls: boolean): URL {
  // HTTP/2 has no Host header, but the authority in the request's URL.
  const host = request.headers.get("host") ?? URL.parse(request.url)?.host;
  const url = URL.parse(`${isTls ? "https" : "http"}://${host}`);
  if (url === null || url.pathname + url.search + url.hash !== "/") {
    throw new HttpError(400, NOT_A_HOST);
  }
  return url;
}
