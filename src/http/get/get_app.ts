/**
 * The get listener.
 *
 * @module
 */
import type { Histogram } from "../../histogram.ts";
import type { Replica } from "../../replica/replica.ts";
import { assertUserId } from "../../user_grade.ts";
import type { Availability } from "../server/availability.ts";
import { jsonResponse, jsonResponseAt } from "../server/json_response.ts";
import { page } from "../page/page.ts";
import { HttpError } from "../server/problem.ts";
import { probes } from "../server/probes.ts";
import { parseQuery } from "./query.ts";
import type { RequestCounts } from "../server/request_counts.ts";
import { type Handler, methods, notFound, router } from "../server/router.ts";

/** Of every so many gets one is timed: timing each would cost 3 %. */
export const GETS_PER_SAMPLE = 16;

/** What the get listener answers with. */
export interface GetAppOptions {
  readonly replica: Replica;
  readonly availability: Availability;
  /** Counts the answers. */
  readonly requests: RequestCounts;
  /** Seconds that a get took here, of one in {@linkcode GETS_PER_SAMPLE}. */
  readonly getSeconds: Histogram;
  /** Makes the answer of `/status`. */
  status(): unknown;
  /** Makes the answer of `/cluster`. */
  cluster(): unknown;
  /** Makes the answer of `/history`. */
  history(): unknown;
  /** Makes the answer of `/openapi.json`. */
  openApi(): Promise<string>;
  /** Makes the answer of `/metrics`. */
  metrics(): Promise<MetricsText>;
}

/** Metrics as a scraper reads them. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** @returns A function for `Deno.serve`. */
export function getApp(
  options: GetAppOptions,
): (request: Request) => Response | Promise<Response> {
  const { replica, availability, requests } = options;
  const get = getHandler(replica, options.getSeconds);
  const json = (answer: () => unknown) => {
    const handler: Handler = () => Response.json(answer());
    return methods({ GET: handler, HEAD: handler });
  };
  const metrics: Handler = async () => {
    const { contentType, text } = await options.metrics();
    return new Response(text, { headers: { "content-type": contentType } });
  };
  const openApi: Handler = async () => jsonResponse(await options.openApi());
  return router(
    {
      "/get": methods({ GET: get, HEAD: get }),
      "/status": json(() => options.status()),
      "/cluster": json(() => options.cluster()),
      "/history": json(() => options.history()),
      "/metrics": methods({ GET: metrics, HEAD: metrics }),
      "/openapi.json": methods({ GET: openApi, HEAD: openApi }),
      ...probes(replica, () => replica.readable, () => availability.getRefusal),
      ...page(),
    },
    notFound,
    requests,
  );
}

/** Synchronous unless it has to wait: a promise a request costs speed. */
function getHandler(replica: Replica, seconds: Histogram): Handler {
  const plainGet = (userId: string) => jsonResponse(find(replica, userId));
  let untilSample = GETS_PER_SAMPLE;
  return (_request, query) => {
    const { userId, minSequence } = parseQuery(query);
    if (minSequence !== undefined) {
      return replica.waitFor(minSequence).then(() =>
        jsonResponseAt(find(replica, userId), replica.appliedSequence)
      );
    }
    if (--untilSample > 0) return plainGet(userId);
    untilSample = GETS_PER_SAMPLE;
    const start = performance.now();
    const response = plainGet(userId);
    seconds.observe((performance.now() - start) / 1000);
    return response;
  };
}

function find(replica: Replica, userId: string): string {
  const json = replica.getJson(userId);
  if (json === undefined) {
    // Only of an id that nobody has: looking at each would cost speed.
    assertUserId(userId);
    throw new HttpError(404, "No user has this user_id");
  }
  return json;
}
