/**
 * How many answers were errors, and whose fault they were.
 *
 * @module
 */
import type { RequestCounts } from "../http/server/request_counts.ts";

/** Answers that were errors. */
export type ErrorCounts = Readonly<Record<"client" | "server", number>>;

/** They answer 503 while a replica starts or stops, which is no error. */
const PROBES = ["/healthz", "/readyz"];

/**
 * @param listeners The answers of all listeners.
 * @returns How many were 4xx, and how many 5xx: without probes, and without
 * gets of users who do not exist.
 */
export function countErrors(listeners: Iterable<RequestCounts>): ErrorCounts {
  const counts = { client: 0, server: 0 };
  for (const requests of listeners) {
    for (const [route, answers] of requests.routes()) {
      if (PROBES.includes(route)) continue;
      for (const [status, count] of answers.entries()) {
        if (status >= 500) counts.server += count;
        else if (status >= 400 && !(status === 404 && route === "/get")) {
          counts.client += count;
        }
      }
    }
  }
  return counts;
}
