/**
 * Numbers among the options of measurements.
 *
 * @module
 */

/**
 * @param name The option, as in `rounds`.
 * @param value What was given for it.
 * @param usual What counts if nothing was.
 * @throws {RangeError} If it is not a positive integer.
 */
export function positive(
  name: string,
  value: string | undefined,
  usual: number,
): number {
  const number = Number(value ?? usual);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new RangeError(`Cannot run: --${name} must be a positive integer`);
}
