/**
 * The user and the password in a URL, which no message may repeat.
 *
 * @module
 */

/** All before the last `@`: an unescaped password may have one too. */
const USERINFO = /^(?:([a-z][a-z\d+.-]*:\/\/).*|.*:.*)@/is;

/**
 * @param text What was given as a URL; it need not be one.
 * @returns The same, with `…` in the place of the user and the password.
 */
export function withoutUserinfo(text: string): string {
  return text.replace(USERINFO, (_, scheme = "") => `${scheme}…@`);
}

/**
 * @param url A URL of a service.
 * @returns Whether there is an `@` behind the host. Then a `/`, `?` or `#` of
 * the password has ended the host, and what should be hidden is in the path.
 */
export function hasStrayUserinfo({ pathname, search, hash }: URL): boolean {
  return `${pathname}${search}${hash}`.includes("@");
}
