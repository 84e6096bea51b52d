/**
 * What a command reads of the configuration.
 *
 * @module
 */
import { readPasswords } from "./passwords.ts";
import {
  ConfigError,
  type ConfigPorts,
  type Environment,
  VariableReader,
} from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/** What a command needs to know of the service that it talks to. */
export interface ClientConfig {
  readonly setPort: number;
  readonly user: string;
  /** Undefined if none is set. */
  readonly password: string | undefined;
  /** PEM certificates to trust besides the well-known ones, if any. */
  readonly ca: string | undefined;
}

/**
 * @param environment The variables.
 * @param ports Files.
 * @returns What a command needs to log in at the service of this machine.
 * @throws {ConfigError} If any of these variables is wrong; it names them all.
 */
export async function readClientConfig(
  environment: Environment,
  ports: Pick<ConfigPorts, "readTextFile">,
): Promise<ClientConfig> {
  const reader = new VariableReader(environment, ports);
  const config = {
    setPort: reader.value("SET_PORT", VARIABLES.SET_PORT),
    user: reader.value("AUTH_USER", VARIABLES.AUTH_USER),
    password: readPasswords(reader, environment)?.[0],
    ca: await reader.certificates("PEERS_TLS_CA_FILE"),
  };
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return config as ClientConfig;
}
