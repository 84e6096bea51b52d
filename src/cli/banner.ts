/**
 * What a person who starts the service reads first: where it is and what to try.
 *
 * @module
 */

/** What it says. */
export interface BannerOptions {
  readonly version: string;
  /** The user of the set listener. */
  readonly user: string;
  /** The addresses of the listeners, as they are bound. */
  readonly urls: Readonly<Record<"set" | "get", string>>;
}

/** Users that a shell takes as they are. */
const PLAIN = /^[\w.@-]+$/;

/**
 * @returns Lines with the addresses, the pages and a command for a first set. It
 * has no password: curl asks for it.
 */
export function banner({ version, user, urls }: BannerOptions): string {
  const set = reachable(urls.set);
  const get = reachable(urls.get);
  const name = PLAIN.test(user) ? user : `'${user.replaceAll("'", "'\\''")}'`;
  const isOpen = set !== urls.set;
  return `UserGrade ${version}
  gets and live page   ${get}/
  sets and deletions   ${set}/page (user ${user})
${
    isOpen
      ? "  listens on all addresses of this machine\n"
      : ""
  }  try                  curl -u ${name} ${set}/set -d '{"user_id":"ann","spp":7}'
                       curl '${get}/get?user_id=ann'`;
}

/** An address that a client on this machine can use. */
function reachable(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace(
    "//[::]:",
    "//[::1]:",
  );
}
