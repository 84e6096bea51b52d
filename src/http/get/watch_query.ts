/**
 * What a watch asks for.
 *
 * @module
 */
import { assertUserId } from "../../user_grade_schema.ts";
import { queryText } from "../server/no_query.ts";
import { HttpError } from "../server/problem.ts";
import { decode } from "./query.ts";

/** The most users that one watch names. */
export const WATCHED_USERS_MAX = 1_000;

/** The most unknown parameters that an error names. */
const UNKNOWN_NAMED_MAX = 8;

const SEQUENCE = /^\d{1,16}$/;

/** What a watch asks for. */
export interface WatchQuery {
  /** The users whose changes are wanted; undefined for all. */
  readonly userIds: ReadonlySet<string> | undefined;
  /** The sequence after which changes are wanted; undefined for now. */
  readonly after: number | undefined;
}

/**
 * @param query What follows the `?`, `application/x-www-form-urlencoded`.
 * @param lastEventId The header `Last-Event-ID`. A client that comes back sends
 * it with the same URL as before, so it counts more than `after`.
 * @returns What they ask for.
 * @throws {HttpError} 400, if a value is not valid or a parameter is unknown; it
 * names the parameter.
 * @throws {InvalidUserGradeError} If no user can have an id.
 */
export function parseWatch(
  query: string,
  lastEventId: string | null,
): WatchQuery {
  const userIds = new Set<string>();
  const afters: string[] = [];
  const unknown = new Set<string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? "" : decode(pair.slice(equals + 1));
    if (name === "after") afters.push(value);
    else if (name === "user_id") {
      assertUserId(value);
      userIds.add(value);
    } else if (unknown.size < UNKNOWN_NAMED_MAX) unknown.add(name);
  }
  // With a name misspelt, it would be told of others than it wants.
  if (unknown.size > 0) throw notKnown([...unknown]);
  if (userIds.size > WATCHED_USERS_MAX) {
    throw invalid(
      "user_id",
      `must not name more than ${WATCHED_USERS_MAX} users: watch all of them without user_id, or by several requests`,
    );
  }
  if (afters.length > 1) throw invalid("after", "is given twice");
  const after = afters.map((value) => sequence("after", value))[0];
  return {
    userIds: userIds.size === 0 ? undefined : userIds,
    // The HTML standard: an empty id is none.
    after: lastEventId ? sequence("Last-Event-ID", lastEventId) : after,
  };
}

function sequence(name: string, value: string): number {
  if (!SEQUENCE.test(value) || !Number.isSafeInteger(Number(value))) {
    throw invalid(
      name,
      `must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  return Number(value);
}

function notKnown(names: readonly string[]): HttpError {
  const message = "is unknown: the parameters are user_id and after";
  return new HttpError(
    400,
    `Cannot watch, since a parameter is unknown (${
      names.map(queryText).join(", ")
    }): the parameters are user_id and after`,
    { members: { errors: names.map((field) => ({ field, message })) } },
  );
}

function invalid(field: string, message: string): HttpError {
  return new HttpError(400, `Cannot watch: ${field} ${message}`, {
    members: { errors: [{ field, message }] },
  });
}
