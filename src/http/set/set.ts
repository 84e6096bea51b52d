/**
 * `POST /set`.
 *
 * @module
 */
import type { CommittedSet, CommittedSets } from "../../committed.ts";
import type { SetTarget } from "../ports/changes.ts";
import type { BodyReader } from "../server/body.ts";
import { parseJsonBody } from "../server/json_body.ts";
import { jsonResponseAt } from "../server/json_response.ts";
import { refuseParameters } from "../server/parameters.ts";
import type { Handler } from "../server/router.ts";

/**
 * A single set takes two promises besides the runtime's own; each further one would
 * cost 0.2 µs.
 *
 * @param target Where the set is proposed.
 * @param bodies Reads its body.
 * @returns A handler that answers with the whole record once it is applied; to
 * an array of sets with the array of records.
 */
export function set(target: SetTarget, bodies: BodyReader): Handler {
  const propose = (body: Uint8Array) => {
    const value = parseJsonBody(body);
    return Array.isArray(value)
      ? target.setMany(value).then(answerMany)
      : target.set(value).then(answer);
  };
  return (request, query) => {
    refuseParameters(query, "A set");
    return bodies.read(request).then(propose);
  };
}

function answer({ grade, sequence }: CommittedSet): Response {
  return jsonResponseAt(JSON.stringify(grade), sequence);
}

function answerMany({ grades, sequence }: CommittedSets): Response {
  return jsonResponseAt(JSON.stringify(grades), sequence);
}
