/**
 * `GET /get`.
 *
 * @module
 */
import type { Histogram } from "../../histogram.ts";
import { assertUserId } from "../../user_grade_schema.ts";
import type { RecordSource } from "../ports/records.ts";
import { jsonResponse, jsonResponseAt } from "../server/json_response.ts";
import { HttpError } from "../server/problem.ts";
import type { Handler } from "../server/router.ts";
import { parseQuery } from "./query.ts";

/** One get in this many is timed: timing each would cost 3 %. */
export const GETS_PER_SAMPLE = 16;

/**
 * Synchronous unless it has to wait: a promise a request costs speed.
 *
 * @param source Where the records are.
 * @param seconds The seconds that gets took: one in {@linkcode GETS_PER_SAMPLE}
 * is timed, and counts for all of them.
 * @returns A handler that answers with one user's record.
 */
export function get(source: RecordSource, seconds: Histogram): Handler {
  const plainGet = (userId: string) => jsonResponse(find(source, userId));
  let untilSample = GETS_PER_SAMPLE;
  return (_request, query) => {
    const { userId, minSequence } = parseQuery(query);
    if (minSequence !== undefined) {
      return source.waitFor(minSequence).then(() =>
        jsonResponseAt(find(source, userId), source.appliedSequence)
      );
    }
    if (--untilSample > 0) return plainGet(userId);
    untilSample = GETS_PER_SAMPLE;
    const start = performance.now();
    const response = plainGet(userId);
    seconds.observe((performance.now() - start) / 1000, GETS_PER_SAMPLE);
    return response;
  };
}

function find(source: RecordSource, userId: string): string {
  const json = source.getJson(userId);
  if (json === undefined) {
    // Only an id that was not found is checked: checking each would cost speed.
    assertUserId(userId);
    throw new HttpError(404, "No user has this user_id");
  }
  return json;
}
