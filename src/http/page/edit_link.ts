/**
 * The way to the page that sets and deletes. It is at the set listener, since a
 * browser lets no page of another origin change anything there.
 *
 * @module
 */
import { ownUrl } from "../server/own_host.ts";
import { getAndHead, type Handler } from "../server/router.ts";

/** The path of the page at the set listener, and of the way to it at the other. */
export const EDIT_PATH = "/page";

/** Where the set listener is. */
export interface SetListener {
  readonly isTls: boolean;
  /** Its port; a port of 0 is known once it is bound. */
  port(): number;
}

/**
 * A relative link to the page so needs no address, and a proxy that serves the
 * set listener elsewhere answers this path by itself.
 *
 * @returns A handler that sends a browser to the page at the set listener, on
 * the host by which the browser knows this one.
 */
export function editLink({ isTls, port }: SetListener): Handler {
  return getAndHead((request) => {
    const { protocol, hostname } = ownUrl(request, isTls);
    return redirect(`${protocol}//${hostname}:${port()}${EDIT_PATH}`);
  });
}

/**
 * @param handler Answers with a page whose addresses are relative, and only
 * right without a slash at the end of its own.
 * @returns A handler that takes such a slash away.
 */
export function withoutSlash(handler: Handler): Handler {
  return getAndHead((request, query) => {
    const path = request.url.slice(0, request.url.length - query.length);
    const name = /([^/]+)\/\??$/.exec(path)?.[1];
    return name === undefined
      ? handler(request, query)
      : redirect(`../${name}`);
  });
}

function redirect(location: string): Response {
  return new Response(null, {
    status: 307,
    headers: { location, "cache-control": "no-store" },
  });
}
