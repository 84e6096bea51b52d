/**
 * What a search for users asks for.
 *
 * @module
 */
import {
  invalidParameter,
  only,
  onlyParametersOf,
} from "../server/parameters.ts";

/** The most users of one answer, and how many there are unless more are wanted. */
export const USERS_MAX = 100;
export const USERS_DEFAULT = 20;

const LIMIT = /^\d{1,3}$/;

/** What a search asks for. */
export interface UsersQuery {
  /** What the ids begin with; empty for all. */
  readonly prefix: string;
  /** The id after which they come; empty for all. */
  readonly after: string;
  /** The most users to answer with. */
  readonly max: number;
}

/**
 * @param query What follows the `?`, `application/x-www-form-urlencoded`.
 * @returns What it asks for.
 * @throws {HttpError} 400, if a parameter is unknown, given twice or not valid.
 */
export function parseUsers(query: string): UsersQuery {
  const parameters = onlyParametersOf(
    query,
    "A search for users",
    ["prefix", "after", "limit"],
  );
  return {
    prefix: only(parameters, "prefix") ?? "",
    after: only(parameters, "after") ?? "",
    max: limitOf(only(parameters, "limit")),
  };
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return USERS_DEFAULT;
  const max = LIMIT.test(text) ? Number(text) : 0;
  if (max < 1 || max > USERS_MAX) {
    throw invalidParameter(
      "limit",
      `must be an integer from 1 to ${USERS_MAX}`,
    );
  }
  return max;
}
