/**
 * Runs a command against a running service.
 *
 * @module
 */
import { readClientConfig } from "../config/client_config.ts";
import { SYSTEM } from "../config/system.ts";
import { ConfigError } from "../config/variable_reader.ts";
import {
  EXIT_BAD_CONFIGURATION,
  EXIT_FAILED,
  EXIT_OK,
} from "../exit_status.ts";
import type { Command } from "./arguments.ts";
import { runBackup, STANDARD_OUTPUT } from "./backup_command.ts";
import { CommandError } from "./command_error.ts";
import { runImport } from "./import_command.ts";
import { terminalMeter } from "./terminal_meter.ts";

/** A command that talks to a service. */
type ClientCommand = Extract<Command, { type: "import" | "backup" }>;

/**
 * Runs it, and says on stderr why it failed.
 *
 * @param command What is to be done.
 * @param variable Reads a variable of the environment.
 * @returns The exit status of the process.
 */
export async function runCommand(
  command: ClientCommand,
  variable: (name: string) => string | undefined,
): Promise<number> {
  try {
    await talk(command, variable);
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof CommandError)) {
      throw error;
    }
    console.error(error.message);
    return error instanceof ConfigError ? EXIT_BAD_CONFIGURATION : EXIT_FAILED;
  }
}

async function talk(
  command: ClientCommand,
  variable: (name: string) => string | undefined,
): Promise<void> {
  const { setPort, ca, user, password } = await readClientConfig({
    SET_PORT: variable("SET_PORT"),
    AUTH_USER: variable("AUTH_USER"),
    AUTH_PASSWORD: variable("AUTH_PASSWORD"),
    AUTH_PASSWORD_FILE: variable("AUTH_PASSWORD_FILE"),
    PEERS_TLS_CA_FILE: variable("PEERS_TLS_CA_FILE"),
  }, SYSTEM);
  using http = ca === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [ca] });
  const login = { user, password, http };
  const here = `http://127.0.0.1:${setPort}`;
  if (command.type === "import") {
    const { sources, target = here, isReplacing } = command;
    await runImport(
      { sources, target, isReplacing, login },
      terminalMeter("Importing"),
      console.log,
    );
  } else {
    const { file, source = here } = command;
    await runBackup(
      { file, source, login },
      terminalMeter("Backing up"),
      file === STANDARD_OUTPUT ? console.error : console.log,
    );
  }
}
