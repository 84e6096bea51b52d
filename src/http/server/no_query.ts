/**
 * Requests that change something and have no parameters.
 *
 * @module
 */
import { HttpError } from "./problem.ts";

/** The most characters of a query that an error repeats. */
const QUERY_CHARACTERS_MAX = 64;

/**
 * @param query What follows the `?` of a URL.
 * @param what What the request is for, as the error's subject.
 * @throws {HttpError} 400, if there is a query: what it asks for would not be
 * done.
 */
export function refuseQuery(query: string, what: string): void {
  if (query === "") return;
  throw new HttpError(
    400,
    `${what} has no parameters, and the query is ${
      queryText(query)
    }: leave it out`,
  );
}

/** @returns A query as an error repeats it: its beginning, quoted. */
export function queryText(query: string): string {
  return JSON.stringify(query.slice(0, QUERY_CHARACTERS_MAX));
}
