/**
 * The query of a look-up.
 *
 * @module
 */
import { HttpError } from "../server/problem.ts";

/** What a look-up asks for. */
export interface GetQuery {
  readonly userId: string;
  /** The sequence that must be applied before the answer. */
  readonly minSequence?: number;
}

/** A query with nothing to decode, as most clients send it. */
const PLAIN = /^user_id=([^&=%+\u0080-\uffff]+)$/;

/** Raw bytes beyond ASCII, which the runtime reads as Latin-1. */
const NOT_ASCII = /[\u0080-\uffff]/;

const SEQUENCE = /^\d{1,16}$/;

/**
 * @param query What follows the `?`, `application/x-www-form-urlencoded`.
 * @returns What it asks for; other parameters are ignored.
 * @throws {HttpError} 400, if `user_id` is missing, empty or given twice, or a
 * value is not valid.
 */
export function parseQuery(query: string): GetQuery {
  const plain = PLAIN.exec(query);
  if (plain !== null) return { userId: plain[1] };

  const values = parameters(query);
  const userId = values.get("user_id");
  if (userId === undefined) {
    throw new HttpError(400, "user_id is missing: ask for /get?user_id=ID");
  }
  if (userId === "") throw new HttpError(400, "user_id is empty");
  const minSequence = minSequenceOf(values);
  return minSequence === undefined ? { userId } : { userId, minSequence };
}

/**
 * @param query What follows the `?` of a look-up of many users.
 * @returns The sequence that must be applied before the answer, if one is
 * given; other parameters are ignored.
 * @throws {HttpError} 400, if it is not valid, or `user_id` is given.
 */
export function parseMinSequence(query: string): number | undefined {
  if (query === "") return undefined;
  const values = parameters(query);
  if (values.has("user_id")) {
    throw new HttpError(
      400,
      "user_id is for GET: a POST has the ids in its body, as a JSON array",
    );
  }
  return minSequenceOf(values);
}

/** The parameters of a look-up that there are, decoded. */
function parameters(query: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (name !== "user_id" && name !== "min_sequence") continue;
    if (values.has(name)) throw new HttpError(400, `${name} is given twice`);
    values.set(name, equals === -1 ? "" : decode(pair.slice(equals + 1)));
  }
  return values;
}

function minSequenceOf(
  values: ReadonlyMap<string, string>,
): number | undefined {
  const minSequence = values.get("min_sequence");
  if (minSequence === undefined) return undefined;
  if (
    !SEQUENCE.test(minSequence) || !Number.isSafeInteger(Number(minSequence))
  ) {
    throw new HttpError(
      400,
      `min_sequence must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  return Number(minSequence);
}

/**
 * Decodes a name or a value of a query. Unlike `URLSearchParams` it refuses
 * bytes that are not UTF-8, rather than look up a user of another name.
 */
export function decode(text: string): string {
  try {
    if (NOT_ASCII.test(text)) throw new URIError("not percent-encoded");
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new HttpError(400, "The query is not percent-encoded UTF-8");
  }
}
