/**
 * The get listener.
 *
 * @module
 */
import type { Replica } from "../replica/replica.ts";
import { jsonResponse, jsonResponseAt } from "./json_response.ts";
import { page } from "./page.ts";
import { HttpError } from "./problem.ts";
import { probes } from "./probes.ts";
import { parseQuery } from "./query.ts";
import { type Handler, methods, notFound, router } from "./router.ts";

/**
 * @param replica Who answers.
 * @param status Makes the answer of `/status`.
 * @param cluster Makes the answer of `/cluster`.
 * @param history Makes the answer of `/history`.
 * @returns A function for `Deno.serve`.
 */
export function getApp(
  replica: Replica,
  status: () => unknown,
  cluster: () => unknown,
  history: () => unknown,
): (request: Request) => Response | Promise<Response> {
  const get = getHandler(replica);
  const json = (answer: () => unknown) => {
    const handler: Handler = () => Response.json(answer());
    return methods({ GET: handler, HEAD: handler });
  };
  return router({
    "/get": methods({ GET: get, HEAD: get }),
    "/status": json(status),
    "/cluster": json(cluster),
    "/history": json(history),
    ...probes(replica, () => replica.readable),
    ...page(),
  }, notFound);
}

/** Synchronous unless it has to wait: a promise a request costs speed. */
function getHandler(replica: Replica): Handler {
  return (_request, query) => {
    const { userId, minSequence } = parseQuery(query);
    if (minSequence === undefined) {
      return jsonResponse(find(replica, userId));
    }
    return replica.waitFor(minSequence).then(() =>
      jsonResponseAt(find(replica, userId), replica.appliedSequence)
    );
  };
}

function find(replica: Replica, userId: string): string {
  const json = replica.getJson(userId);
  if (json === undefined) {
    throw new HttpError(404, "No user has this user_id");
  }
  return json;
}
