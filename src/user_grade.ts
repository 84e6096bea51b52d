/**
 * The record: the fields of a user grade, and its JSON text.
 *
 * @module
 */

/** The four numbers of a user grade, in the order of every output. */
export const NUMBER_FIELDS = [
  "postpaid_limit",
  "spp",
  "shipping_fee",
  "return_fee",
] as const;

/** A whole record. The numbers are safe integers and never `-0`. */
export interface UserGrade {
  user_id: string;
  postpaid_limit: number;
  spp: number;
  shipping_fee: number;
  return_fee: number;
}

/** A partial record: a number that is left out keeps its stored value. */
export interface UserGradePatch {
  user_id: string;
  postpaid_limit?: number | undefined;
  spp?: number | undefined;
  shipping_fee?: number | undefined;
  return_fee?: number | undefined;
}

/** The removal of a user's record; harmless if there is none. */
export interface UserDeletion {
  user_id: string;
  deleted: true;
}

/** What changes one record. */
export type UserChange = UserGradePatch | UserDeletion;

/** What a deletion did. */
export interface DeletedUser {
  user_id: string;
  deleted: true;
  /** Whether there was a record. */
  existed: boolean;
}

/** What a change left: the whole record, or none. */
export type ChangeOutcome = UserGrade | DeletedUser;

/** The longest `user_id`, in bytes of UTF-8. */
export const USER_ID_BYTES_MAX = 256;

/**
 * A record as JSON text, fields in the contract's order.
 *
 * @param id The user's id, well-formed and without control characters.
 * @param a `postpaid_limit`
 * @param b `spp`
 * @param c `shipping_fee`
 * @param d `return_fee`
 * @returns The same text as `JSON.stringify`, which makes a whole get 3 to 4 %
 *   dearer, although it is faster in a loop of its own.
 */
export function userGradeJson(
  id: string,
  a: number,
  b: number,
  c: number,
  d: number,
): string {
  return '{"user_id":' + quoted(id) + ',"postpaid_limit":' + a + ',"spp":' + b +
    ',"shipping_fee":' + c + ',"return_fee":' + d + "}";
}

/** An id, well-formed and without control characters, as JSON text. */
function quoted(id: string): string {
  return id.includes('"') || id.includes("\\")
    ? JSON.stringify(id)
    : '"' + id + '"';
}
