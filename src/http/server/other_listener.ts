/**
 * Requests at the wrong one of the two listeners, which are told where their
 * path is served.
 *
 * @module
 */
import { HttpError } from "./problem.ts";
import type { Handler } from "./router.ts";

/** The listener that a client may have meant. */
export interface OtherListener {
  readonly name: "set" | "get";
  /** Its port; a port of 0 is known once it is bound. */
  port(): number;
  /** @returns Its route for the path of a URL; undefined if it has none. */
  routeOf(url: string): string | undefined;
}

/**
 * @param url A request's URL.
 * @param other The listener that was not asked.
 * @returns A sentence that says where the path is served; undefined if it is not
 * served there.
 */
export function servedBy(
  url: string,
  { name, port, routeOf }: OtherListener,
): string | undefined {
  const route = routeOf(url);
  if (route === undefined) return undefined;
  const freely = name === "get" ? ", without a password" : "";
  return `The ${name} listener, at port ${port()} of this replica, serves ${route}${freely}`;
}

/**
 * @param other The listener that may have been meant.
 * @returns A handler that answers 404, and says where the path is served.
 */
export function notFound(other: OtherListener): Handler {
  return ({ url }) => {
    throw new HttpError(
      404,
      servedBy(url, other) ??
        "There is nothing at this path: /openapi.json of the get listener lists all paths",
    );
  };
}
