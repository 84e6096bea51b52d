/**
 * Telling deletions from each other: each is sent together with one of a user
 * who never is, so with one entry for both, in order, all or none.
 *
 * @module
 */
import type { UserDeletion } from "../../src/user_grade.ts";
import type { MarkedDeletion } from "./history.ts";

const PREFIX = "deletion ";

/** @returns The body of the request for a deletion. */
export function deletionBody(
  { user_id, return_fee }: MarkedDeletion,
): { user_id: string }[] {
  return [{ user_id }, { user_id: PREFIX + return_fee }];
}

/** @returns The marker that a deletion is; undefined if it is a user's. */
export function markerOf({ user_id }: UserDeletion): number | undefined {
  return user_id.startsWith(PREFIX)
    ? Number(user_id.slice(PREFIX.length))
    : undefined;
}
