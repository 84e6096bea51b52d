/**
 * What the configuration gets from the system.
 *
 * @module
 */
import type { ConfigPorts, Environment } from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/** Files, the machine's name and randomness. */
export const SYSTEM: ConfigPorts = {
  readTextFile: Deno.readTextFileSync,
  hostname: Deno.hostname,
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};

/**
 * @param variable Reads one variable of the environment.
 * @returns Every variable that the configuration reads.
 */
export function environmentOf(
  variable: (name: string) => string | undefined,
): Environment {
  return Object.fromEntries(
    Object.keys(VARIABLES).map((name) => [name, variable(name)]),
  );
}
