/**
 * What a watch asks for.
 *
 * @module
 */
import { assertUserId } from "../../user_grade_schema.ts";
import {
  invalidParameter,
  only,
  onlyParametersOf,
  sequenceOf,
} from "../server/parameters.ts";

/** The most users that one watch names. */
export const WATCHED_USERS_MAX = 1_000;

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
  const parameters = onlyParametersOf(query, "A watch", ["user_id", "after"]);
  const userIds = new Set(parameters.get("user_id"));
  userIds.forEach(assertUserId);
  if (userIds.size > WATCHED_USERS_MAX) {
    throw invalidParameter(
      "user_id",
      `must not name more than ${WATCHED_USERS_MAX} users: watch all of them without user_id, or by several requests`,
    );
  }
  const value = only(parameters, "after");
  const after = value === undefined ? undefined : sequenceOf("after", value);
  return {
    userIds: userIds.size === 0 ? undefined : userIds,
    // The HTML standard: an empty id is none.
    after: lastEventId ? sequenceOf("Last-Event-ID", lastEventId) : after,
  };
}
