/**
 * Times as a simulated server keeps them.
 *
 * @module
 */
import { formatDelivered } from "../../src/log/jetstream/delivery.ts";

/**
 * @param digits Nanoseconds since 1970, as digits.
 * @returns RFC 3339, in UTC, with nine decimals.
 */
export function formatNanoseconds(digits: string): string {
  return formatDelivered(
    Number(digits.slice(0, -9)),
    Number(digits.slice(-9)),
  );
}
