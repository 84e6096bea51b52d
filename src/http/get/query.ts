/**
 * The query of a get.
 *
 * @module
 */
import {
  invalidParameter,
  only,
  type Parameters,
  parametersOf,
  sequenceOf,
} from "../server/parameters.ts";
import { HttpError } from "../server/problem.ts";

/** What a get asks for. */
export interface GetQuery {
  readonly userId: string;
  /** The sequence that must be applied before the answer. */
  readonly minSequence?: number;
}

const USER_ID_EQUALS = "user_id=";

/** A query with nothing to decode, as most clients send it. */
const PLAIN = /^user_id=[^&=%+\u0080-\uffff]+$/;

const PARAMETERS = ["user_id", "min_sequence"];

/**
 * @param query What follows the `?`, `application/x-www-form-urlencoded`.
 * @returns What it asks for; other parameters are ignored.
 * @throws {HttpError} 400, if `user_id` is missing, empty or given twice, or a
 * value is not valid.
 */
export function parseQuery(query: string): GetQuery {
  // A match with its groups would be an object more for each get.
  if (PLAIN.test(query)) return { userId: query.slice(USER_ID_EQUALS.length) };

  const parameters = parametersOf(query, PARAMETERS);
  const userId = only(parameters, "user_id");
  if (userId === undefined) {
    throw new HttpError(400, "user_id is missing: ask for /get?user_id=ID");
  }
  if (userId === "") throw invalidParameter("user_id", "is empty");
  const minSequence = minSequenceOf(parameters);
  return minSequence === undefined ? { userId } : { userId, minSequence };
}

/**
 * @param query What follows the `?` of a get of many users.
 * @returns The sequence that must be applied before the answer, if one is given;
 * other parameters are ignored.
 * @throws {HttpError} 400, if it is not valid, or `user_id` is given.
 */
export function parseMinSequence(query: string): number | undefined {
  if (query === "") return undefined;
  const parameters = parametersOf(query, PARAMETERS);
  if (parameters.has("user_id")) {
    throw invalidParameter(
      "user_id",
      "is for GET: a POST has the ids in its body, as a JSON array",
    );
  }
  return minSequenceOf(parameters);
}

function minSequenceOf(parameters: Parameters): number | undefined {
  const value = only(parameters, "min_sequence");
  return value === undefined ? undefined : sequenceOf("min_sequence", value);
}
