/**
 * The parameters of requests.
 *
 * A request that changes something, watches or searches refuses a parameter that
 * it does not have: with a name misspelt, it would do something else than it was
 * asked for. `/get` and `/backup` ignore it: version 1.0 did, and clients may add
 * parameters of their own there, to pass caches for example.
 *
 * @module
 */
import { HttpError } from "./problem.ts";

/** The values of each parameter that is given, in their order. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

/** Raw bytes beyond ASCII, which the runtime reads as Latin-1. */
const NOT_ASCII = /[\u0080-\uffff]/;

/** The most parameters that an error names, and the most characters of each. */
const UNKNOWN_NAMED_MAX = 8;
const NAME_CHARACTERS_MAX = 64;

const INTEGER = /^\d{1,16}$/;

/**
 * @param query What follows the `?`, `application/x-www-form-urlencoded`.
 * @param known The parameters that there are.
 * @param other Called with the name of each other one.
 * @returns Those that are given, decoded.
 * @throws {HttpError} 400, if they are not UTF-8.
 */
export function parametersOf(
  query: string,
  known: readonly string[],
  other: (name: string) => void = () => {},
): Parameters {
  const given = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (!known.includes(name)) {
      other(name);
      continue;
    }
    const value = equals === -1 ? "" : decode(pair.slice(equals + 1));
    const values = given.get(name);
    if (values === undefined) given.set(name, [value]);
    else values.push(value);
  }
  return given;
}

/**
 * As {@linkcode parametersOf}, for requests that have no others.
 *
 * @param what What the request is, as an error's subject.
 * @throws {HttpError} 400, if another one is given.
 */
export function onlyParametersOf(
  query: string,
  what: string,
  known: readonly string[],
): Parameters {
  const unknown = new Set<string>();
  const given = parametersOf(query, known, (name) => unknown.add(name));
  if (unknown.size > 0) throw notKnown([...unknown], what, known);
  return given;
}

/**
 * @param query What follows the `?` of a request without parameters.
 * @param what What the request is, as an error's subject.
 * @throws {HttpError} 400, if there is one.
 */
export function refuseParameters(query: string, what: string): void {
  if (query !== "") onlyParametersOf(query, what, []);
}

/**
 * @returns The value of a parameter; undefined if it is not given.
 * @throws {HttpError} 400, if it is given twice.
 */
export function only(parameters: Parameters, name: string): string | undefined {
  const values = parameters.get(name);
  if (values !== undefined && values.length > 1) {
    throw invalidParameter(name, "is given twice");
  }
  return values?.[0];
}

/**
 * @param name The parameter or header that the value is of.
 * @throws {HttpError} 400, if it is not an integer that JSON can write.
 */
export function sequenceOf(name: string, value: string): number {
  if (!INTEGER.test(value) || !Number.isSafeInteger(Number(value))) {
    throw invalidParameter(
      name,
      `must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  return Number(value);
}

/** @returns 400, with the parameter's name in `errors` too. */
export function invalidParameter(field: string, message: string): HttpError {
  return new HttpError(400, `${field} ${message}`, {
    members: { errors: [{ field, message }] },
  });
}

function notKnown(
  names: readonly string[],
  what: string,
  known: readonly string[],
): HttpError {
  const named = names.slice(0, UNKNOWN_NAMED_MAX);
  const quoted = named
    .map((name) => JSON.stringify(name.slice(0, NAME_CHARACTERS_MAX)))
    .join(", ");
  const remedy = known.length === 0
    ? "leave it out"
    : `the parameters are ${known.join(", ")}`;
  const message = `is unknown: ${remedy}`;
  return new HttpError(
    400,
    `${what} has no parameter ${quoted}: ${remedy}`,
    { members: { errors: named.map((field) => ({ field, message })) } },
  );
}

/**
 * Unlike `URLSearchParams` it refuses bytes that are not UTF-8, rather than look
 * up a user of another name.
 */
function decode(text: string): string {
  try {
    if (NOT_ASCII.test(text)) throw new URIError("not percent-encoded");
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new HttpError(
      400,
      "The query is not UTF-8, percent-encoded: encode its values, as encodeURIComponent does",
    );
  }
}
