/**
 * The command: arguments, environment, signals and exit status. Nothing else
 * touches them.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { parseArgs } from "node:util";
import project from "../deno.json" with { type: "json" };
import { runImport } from "./backup/import_command.ts";
import {
  type Config,
  ConfigError,
  passwordLines,
  readConfig,
} from "./config.ts";
import { VARIABLES } from "./config_variables.ts";
import { countFreeDescriptors, judgeDescriptors } from "./descriptors.ts";
import { type Service, startService } from "./service.ts";
import { keepDebuggerClosed, StopSignal } from "./signals.ts";
import { configureLogging, type LogLines } from "./telemetry/logger.ts";
import { terminalMeter } from "./telemetry/terminal_meter.ts";

const logger = getLogger(["usergrade"]);

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_BAD_CONFIGURATION = 2;

function help(): string {
  const rows = Object.entries(VARIABLES).map(([name, variable]) =>
    `  ${name.padEnd(20)} ${variable.meaning}${
      variable.fallback === undefined ? "" : ` [${variable.fallback}]`
    }`
  );
  return `usergrade ${project.version}: keeps user grades in memory

Usage: usergrade [--help | --version]
       usergrade import FILE|URL [--to URL]

The service is configured by environment variables [defaults in brackets]:
${rows.join("\n")}

import sends a backup to the set listener at --to [http://127.0.0.1:SET_PORT].
The backup is a file or the http://…/backup of another service. import logs in
with the user and password in a URL, or with AUTH_USER and AUTH_PASSWORD.

Exit status: 0 after SIGTERM, SIGINT or SIGHUP, 1 if it fails, 2 if the configuration is wrong.`;
}

/** The command that the arguments name. */
type Command =
  | { type: "print"; text: string }
  | { type: "import"; source: string; target: string | undefined }
  | { type: "serve"; isWatched: boolean };

function parseCommand(args: string[]): Command {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
      to: { type: "string" },
      // `deno task dev` says that it runs under a watcher.
      watched: { type: "boolean" },
    },
  });
  if (values.help) return { type: "print", text: help() };
  if (values.version) return { type: "print", text: project.version };
  const [name, source, ...more] = positionals;
  if (name === "import" && source !== undefined && more.length === 0) {
    return { type: "import", source, target: values.to };
  }
  if (name !== undefined) {
    throw new Error(
      name === "import"
        ? "import needs one FILE or URL"
        : `There is no command ${name}`,
    );
  }
  if (values.to !== undefined) throw new Error("--to only applies to import");
  return { type: "serve", isWatched: values.watched === true };
}

/** Sends a backup to a running service; returns the exit status. */
async function importFile(
  { source, target }: { source: string; target: string | undefined },
): Promise<number> {
  const file = Deno.env.get("AUTH_PASSWORD_FILE");
  const password = file
    ? passwordLines(Deno.readTextFileSync(file))[0]
    : Deno.env.get("AUTH_PASSWORD") ?? "";
  const meter = terminalMeter("Importing");
  try {
    const { rows, log_sequence } = await runImport({
      source,
      target: target ??
        `http://127.0.0.1:${
          Deno.env.get("SET_PORT") || VARIABLES.SET_PORT.fallback
        }`,
      user: Deno.env.get("AUTH_USER") || VARIABLES.AUTH_USER.fallback!,
      password,
    }, (sent, total) => meter.update(sent, total));
    meter.end();
    console.log(`${rows} rows imported, up to sequence ${log_sequence}`);
    return EXIT_OK;
  } catch (error) {
    meter.end();
    console.error((error as Error).message);
    return EXIT_FAILED;
  }
}

function configFromEnvironment(): Config {
  const environment = Object.fromEntries(
    Object.keys(VARIABLES).map((name) => [name, Deno.env.get(name)]),
  );
  return readConfig(environment, {
    readTextFile: Deno.readTextFileSync,
    hostname: Deno.hostname,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  });
}

/** Runs the service until a signal or its end; returns the exit status. */
async function run(config: Config, isWatched: boolean): Promise<number> {
  const lines = configureLogging(config.logLevel, config.logFormat);
  keepDebuggerClosed();
  // Before the service, so that a signal during a long start drains too.
  const stopSignal = new StopSignal();
  try {
    return await serve(config, lines, stopSignal);
  } finally {
    await lines.flush();
    // After a failure a change of a file may mend it.
    if (isWatched && stopSignal.isReceived) stopSignal.endWatcher();
  }
}

async function serve(
  config: Config,
  lines: LogLines,
  stopSignal: StopSignal,
): Promise<number> {
  if (config.passwordIsGenerated) {
    // Not a log line: logs are kept, and this is a secret.
    console.error(
      `Password of user ${config.credentials.user}: ${
        config.credentials.passwords[0]
      }\n` +
        "(generated for this run; set AUTH_PASSWORD to choose one)",
    );
  }
  const limit = judgeDescriptors(countFreeDescriptors());
  if (limit !== undefined) {
    logger[limit.severity]("{reason}", { reason: limit.message });
    if (limit.severity === "fatal") return EXIT_BAD_CONFIGURATION;
  }
  let service: Service;
  try {
    service = startService(config, project.version, lines);
  } catch (error) {
    logger.fatal("{reason}", { reason: (error as Error).message });
    return EXIT_FAILED;
  }
  const end = await Promise.race([stopSignal.received, service.failed]);
  if (typeof end !== "string") {
    // Let the answers of the sets under way leave.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return EXIT_FAILED;
  }
  await service.stop(end);
  return EXIT_OK;
}

async function main(): Promise<number> {
  // Requests go to peers and to a service of one's own, with its password: a
  // proxy of the machine (HTTP_PROXY and the like) must not get them.
  Deno.env.set("NO_PROXY", "*,0.0.0.0/0,::/0");
  let command: Command;
  try {
    command = parseCommand(Deno.args);
  } catch (error) {
    console.error(`${(error as Error).message}\nTry --help.`);
    return EXIT_BAD_CONFIGURATION;
  }
  if (command.type === "print") {
    console.log(command.text);
    return EXIT_OK;
  }
  if (command.type === "import") return await importFile(command);
  try {
    return await run(configFromEnvironment(), command.isWatched);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    return EXIT_BAD_CONFIGURATION;
  }
}

Deno.exit(await main());
