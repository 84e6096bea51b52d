/**
 * The command: arguments, environment, signals and exit status. Nothing else
 * touches them.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import project from "../deno.json" with { type: "json" };
import { type Command, parseArguments } from "./cli/arguments.ts";
import { banner } from "./cli/banner.ts";
import { CommandError } from "./cli/command_error.ts";
import { readClientConfig } from "./config/client_config.ts";
import { type Config, readConfig } from "./config/config.ts";
import { ConfigError, type ConfigPorts } from "./config/variable_reader.ts";
import { VARIABLES } from "./config/variables.ts";
import { countFreeDescriptors, judgeDescriptors } from "./descriptors.ts";
import { type Service, startService } from "./service.ts";
import { keepDebuggerClosed, StopSignal } from "./signals.ts";
import { configureLogging, type LogLines } from "./telemetry/logger.ts";
import { loadTraces } from "./telemetry/traces.ts";

const logger = getLogger(["usergrade"]);

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_BAD_CONFIGURATION = 2;

/** Every variable of the environment that the configuration reads. */
function environment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.keys(VARIABLES).map((name) => [name, Deno.env.get(name)]),
  );
}

const ports: ConfigPorts = {
  readTextFile: Deno.readTextFileSync,
  hostname: Deno.hostname,
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};

/** Runs a command against a running service. */
async function runClient(
  command: Extract<Command, { type: "import" | "backup" }>,
): Promise<void> {
  const { setPort, ...login } = readClientConfig({
    SET_PORT: Deno.env.get("SET_PORT"),
    AUTH_USER: Deno.env.get("AUTH_USER"),
    AUTH_PASSWORD: Deno.env.get("AUTH_PASSWORD"),
    AUTH_PASSWORD_FILE: Deno.env.get("AUTH_PASSWORD_FILE"),
  }, ports);
  // A service does without what its clients need.
  const { terminalMeter } = await import("./cli/terminal_meter.ts");
  const here = `http://127.0.0.1:${setPort}`;
  if (command.type === "import") {
    const { sources, target = here, isReplacing } = command;
    const { runImport } = await import("./cli/import_command.ts");
    const meter = terminalMeter("Importing");
    await runImport(
      { sources, target, isReplacing, login },
      meter,
      console.log,
    );
  } else {
    const { file, source = here } = command;
    const { runBackup, STANDARD_OUTPUT } = await import(
      "./cli/backup_command.ts"
    );
    const meter = terminalMeter("Backing up");
    const print = file === STANDARD_OUTPUT ? console.error : console.log;
    await runBackup({ file, source, login }, meter, print);
  }
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
    // Not a log line: logs are kept, and this is a secret. The console is sent
    // to a collector of telemetry, too.
    printError(
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
    const traces = await loadTraces();
    service = startService(config, project.version, lines, traces);
  } catch (error) {
    logger.fatal("{reason}", { reason: (error as Error).message });
    return EXIT_FAILED;
  }
  if (config.logFormat === "text") greet(config, service);
  const end = await Promise.race([stopSignal.received, service.failed]);
  if (typeof end !== "string") {
    // Let the answers of the sets under way leave.
    await sleep(100);
    return EXIT_FAILED;
  }
  await service.stop(end);
  return EXIT_OK;
}

/** Says to a person at a terminal where the service is. */
function greet(
  { credentials: { user }, logLevel }: Config,
  { urls }: Service,
): void {
  if (logLevel !== "info" && logLevel !== "debug") return;
  printError(banner({ version: project.version, user, urls }));
}

/** Writes to stderr, and nowhere else; waits for nothing that reads it. */
function printError(text: string): void {
  Deno.stderr.write(new TextEncoder().encode(`${text}\n`)).catch(() => {});
}

async function main(): Promise<number> {
  // Requests go to peers and to a service of one's own, with its password: a
  // proxy of the machine (HTTP_PROXY and the like) must not get them.
  Deno.env.set("NO_PROXY", "*,0.0.0.0/0,::/0");
  let command: Command;
  try {
    command = parseArguments(Deno.args);
  } catch (error) {
    console.error(`${(error as Error).message}\nTry --help.`);
    return EXIT_BAD_CONFIGURATION;
  }
  try {
    switch (command.type) {
      case "print":
        console.log(command.text);
        return EXIT_OK;
      case "serve":
        return await run(
          readConfig(environment(), ports),
          command.isWatched,
        );
      default:
        await runClient(command);
        return EXIT_OK;
    }
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof CommandError)) {
      throw error;
    }
    console.error(error.message);
    return error instanceof ConfigError ? EXIT_BAD_CONFIGURATION : EXIT_FAILED;
  }
}

Deno.exit(await main());
