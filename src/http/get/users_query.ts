/**
 * What a search for users asks for.
 *
 * @module
 */
import { queryText } from "../server/no_query.ts";
import { HttpError } from "../server/problem.ts";
import { decode } from "./query.ts";

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
  const values = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (!["prefix", "after", "limit"].includes(name)) {
      throw new HttpError(
        400,
        `A search for users has the parameters prefix, after and limit, and the query is ${
          queryText(query)
        }`,
      );
    }
    if (values.has(name)) throw new HttpError(400, `${name} is given twice`);
    values.set(name, equals === -1 ? "" : decode(pair.slice(equals + 1)));
  }
  return {
    prefix: values.get("prefix") ?? "",
    after: values.get("after") ?? "",
    max: limitOf(values.get("limit")),
  };
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return USERS_DEFAULT;
  const max = LIMIT.test(text) ? Number(text) : 0;
  if (max < 1 || max > USERS_MAX) {
    throw new HttpError(400, `limit must be an integer from 1 to ${USERS_MAX}`);
  }
  return max;
}
