/**
 * The identity of the log that a stream is, which its description tells.
 *
 * @module
 */

/** What of a stream's configuration tells it. */
interface Described {
  readonly name: string;
  readonly description?: string;
}

const DESCRIPTION = "UserGrade log ";

/** @returns The log's identity as the stream's maker wrote it; undefined if it is not there. */
export function toldIdentity(
  config: Pick<Described, "description">,
): string | undefined {
  return /^UserGrade log ([0-9a-f]{16})$/.exec(config.description ?? "")?.[1];
}

/** Whether a log's identity is one that is written into a stream's description. */
export function isIdWritten(id: string): boolean {
  return /^[0-9a-f]{16}$/.test(id);
}

/** @returns The description that tells a log's identity. */
export function identityDescription(id: string): string {
  return DESCRIPTION + id;
}

/**
 * @param config The stream's configuration.
 * @param created When it was created, as the server says it.
 * @returns The log's identity: the one that its creator wrote into the
 * description, or name and time for a stream made by hand.
 */
export function logIdentity(config: Described, created: string): string {
  return toldIdentity(config) ?? `${config.name}@${created}`;
}
