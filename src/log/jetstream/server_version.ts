/**
 * What depends on the version of the NATS server.
 *
 * @module
 */

/**
 * Whether it is older than 2.10, so that it does not handle well a stream that
 * is cut or moved. A version that is not known is new enough.
 *
 * @param version As in "2.9.10".
 */
export function isOldServer(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? [];
  return Number(major) < 2 || major === "2" && Number(minor) < 10;
}
