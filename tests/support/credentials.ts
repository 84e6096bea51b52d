/**
 * Who the tests log in as.
 *
 * @module
 */

/** The user and the password that the tests' services get. */
export const USER = "tester";
export const PASSWORD = "pass:wörd";

/** @returns The value of the `Authorization` header for a user. */
export function basicAuthorization(user: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;
}

/** The right value of the `Authorization` header. */
export const AUTHORIZATION = basicAuthorization(USER, PASSWORD);
