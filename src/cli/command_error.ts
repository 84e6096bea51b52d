/**
 * What ends a command.
 *
 * @module
 */

/** A command can't do its work; the message says why and how far it came. */
export class CommandError extends Error {
  override name = "CommandError";
}
