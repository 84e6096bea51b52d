/**
 * Integers written as decimal text, judged exactly.
 *
 * `Number()` and `JSON.parse` round first: they take `9007199254740990.5` for
 * an integer and `1e-400` for 0. Here the digits decide.
 *
 * @module
 */

/** A number as JSON writes it (RFC 8259): sign, integer, fraction, exponent. */
const JSON_NUMBER =
  /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?$/;

/** How many digits `Number.MAX_SAFE_INTEGER` has. */
const DIGITS_MAX = 16;

/**
 * @param text A number as JSON writes it, such as `7`, `-7.0`, `1e+05`.
 * @returns Its value if that is a safe integer, never `-0`; `undefined` if it
 * is a fraction, too large, or no JSON number at all.
 */
export function integerFromText(text: string): number | undefined {
  const match = JSON_NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const digits = whole + fraction;
  let start = 0;
  let end = digits.length;
  while (start < end && digits[start] === "0") start++;
  if (start === end) return 0;
  while (digits[end - 1] === "0") end--;
  // The value is the digits from start to end, and so many zeros behind them.
  const zeros = Number(exponent) - fraction.length + digits.length - end;
  if (zeros < 0 || end - start + zeros > DIGITS_MAX) return undefined;
  const value = Number(digits.slice(start, end) + "0".repeat(zeros));
  if (value > Number.MAX_SAFE_INTEGER) return undefined;
  return sign === "-" ? -value : value;
}
