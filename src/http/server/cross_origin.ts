/**
 * Keeping other sites' pages from using a browser's stored credentials.
 *
 * @module
 */
import { HttpError } from "./problem.ts";
import type { Handler } from "./router.ts";

/**
 * Lets a request through to `handler` unless a browser says that a page of
 * another origin sent it: by `Sec-Fetch-Site` (W3C Fetch Metadata), or, in a
 * browser without it, by `Origin` (RFC 6454). A link that a person follows is
 * served: its page learns nothing, and no GET changes anything.
 *
 * @param handler What is guarded.
 * @returns A handler that answers 403 to cross-origin browser requests.
 */
export function refuseCrossOrigin(handler: Handler): Handler {
  return (request, query) => {
    const site = request.headers.get("sec-fetch-site");
    const crossOrigin = site !== null
      ? site !== "same-origin" && site !== "none"
      : !isSameOrigin(request);
    if (crossOrigin && !isFollowedLink(request)) {
      throw new HttpError(
        403,
        "Pages of another origin may not use this service from a browser: send the request from a server, or use the page of this one, /page",
      );
    }
    return handler(request, query);
  };
}

/**
 * Whether a browser shows the answer in a tab of its own, not in a frame. Older
 * browsers do not say where.
 */
function isFollowedLink({ method, headers }: Request): boolean {
  const destination = headers.get("sec-fetch-dest") ?? "document";
  return (method === "GET" || method === "HEAD") &&
    headers.get("sec-fetch-mode") === "navigate" &&
    destination === "document";
}

function isSameOrigin(request: Request): boolean {
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  // HTTP/2 has no Host header, but the authority in the request's URL.
  const host = request.headers.get("host") ?? URL.parse(request.url)?.host;
  return URL.parse(origin)?.host === host;
}
