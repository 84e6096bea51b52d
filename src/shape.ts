/**
 * Checks of parsed JSON that anyone may have written: heartbeats, and what
 * snapshots say of themselves. A shape is a type guard, made of smaller ones.
 *
 * Zod, which describes the requests and answers in the OpenAPI document, would do
 * it too. But it takes 45 ms and 10 MB in each thread of a start, and here
 * nothing else is needed of it.
 *
 * @module
 */

/** Tells whether a value is what it should be. */
export type Shape<T> = (value: unknown) => value is T;

/** What a shape lets pass. */
export type Of<S> = S extends Shape<infer T> ? T : never;

/** The shapes of a record's fields. */
type Fields = Readonly<Record<string, Shape<unknown>>>;

/** A record of such fields. */
type RecordOf<R extends Fields, O extends Fields> =
  & { [K in keyof R]: Of<R[K]> }
  & { [K in keyof O]?: Of<O[K]> | undefined };

/** Whether a value is true or false. */
export const boolean = (value: unknown): value is boolean =>
  typeof value === "boolean";

/** An integer that a number holds exactly, from `min` on. */
export function integer(min: number): Shape<number> {
  return (value): value is number =>
    Number.isSafeInteger(value) && value as number >= min;
}

/** A number from `min` to `max`. */
export function number(min: number, max: number): Shape<number> {
  return (value): value is number =>
    typeof value === "number" && value >= min && value <= max;
}

/** A text of `min` to `max` UTF-16 code units. */
export function text(min = 0, max = Infinity): Shape<string> {
  return (value): value is string =>
    typeof value === "string" && value.length >= min && value.length <= max;
}

/** A text that matches a pattern. */
export function matching(pattern: RegExp): Shape<string> {
  return (value): value is string =>
    typeof value === "string" && pattern.test(value);
}

/** One of a few values. */
export function oneOf<const T extends readonly unknown[]>(
  ...values: T
): Shape<T[number]> {
  return (value): value is T[number] => values.includes(value);
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** A time by RFC 3339, in UTC, with any number of decimals. */
export const time = (value: unknown): value is string =>
  typeof value === "string" && TIME.test(value) &&
  !Number.isNaN(Date.parse(value));

/** Null, or something else. */
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value): value is T | null => value === null || shape(value);
}

/** An array of `min` to `max` items of one shape. */
export function list<T>(item: Shape<T>, min: number, max: number): Shape<T[]> {
  return (value): value is T[] =>
    Array.isArray(value) && value.length >= min && value.length <= max &&
    value.every(item);
}

/** An array of two items. */
export function pair<A, B>(first: Shape<A>, second: Shape<B>): Shape<[A, B]> {
  return (value): value is [A, B] =>
    Array.isArray(value) && value.length === 2 && first(value[0]) &&
    second(value[1]);
}

/** A record with these fields, and perhaps others. */
export function record<R extends Fields, O extends Fields>(
  required: R,
  optional: O,
): Shape<RecordOf<R, O>> {
  const isWrong = misfitOf(required, optional);
  return (value): value is RecordOf<R, O> =>
    typeof value === "object" && value !== null && isWrong(value) === undefined;
}

/**
 * @param required The fields that a record must have.
 * @param optional Those that it may have.
 * @returns A function that names the first field of a record that is missing or
 * wrong; undefined if there is none.
 */
export function misfitOf(
  required: Fields,
  optional: Fields,
): (value: object) => string | undefined {
  const fields = [
    ...Object.entries(required).map(([name, shape]) => ({
      name,
      shape,
      isNeeded: true,
    })),
    ...Object.entries(optional).map(([name, shape]) => ({
      name,
      shape,
      isNeeded: false,
    })),
  ];
  return (value) =>
    fields.find(({ name, shape, isNeeded }) => {
      const field = Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined;
      return field === undefined ? isNeeded : !shape(field);
    })?.name;
}
