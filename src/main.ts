/**
 * The command: arguments, environment, signals and exit status. Nothing else
 * touches them.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { parseArgs } from "node:util";
import project from "../deno.json" with { type: "json" };
import { type Config, ConfigError, readConfig, VARIABLES } from "./config.ts";
import { type Service, startService } from "./service.ts";
import { configureLogging } from "./telemetry/logger.ts";

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_BAD_CONFIGURATION = 2;

function help(): string {
  const rows = Object.entries(VARIABLES).map(([name, variable]) =>
    `  ${name.padEnd(20)} ${variable.meaning}${
      variable.fallback === undefined ? "" : ` [${variable.fallback}]`
    }`
  );
  return `usergrade ${project.version}: keeps user grades in memory and answers for them

Usage: usergrade [--help | --version]

It is configured by environment variables [defaults in brackets]:
${rows.join("\n")}

Exit status: 0 after SIGTERM or SIGINT, 1 if it fails, 2 if the configuration is wrong.`;
}

/** The text that an argument asks for; undefined if the service is to run. */
function textFor(args: string[]): string | undefined {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
  });
  if (values.help) return help();
  if (values.version) return project.version;
  return undefined;
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
async function run(config: Config): Promise<number> {
  configureLogging(config.logLevel, config.logFormat);
  if (config.passwordIsGenerated) {
    // Not a log line: logs are kept, and this is a secret.
    console.error(
      `Password of user ${config.credentials.user}: ${config.credentials.password}\n` +
        "(made for this run; set AUTH_PASSWORD to choose one)",
    );
  }
  // Before the service, so that a signal during a long start drains too. A task
  // runner passes on a signal that the process group got already, so that it
  // comes twice.
  const signal = Promise.withResolvers<string>();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(name, () => signal.resolve(name));
  }
  let service: Service;
  try {
    service = startService(config, project.version);
  } catch (error) {
    getLogger(["usergrade"]).fatal("{reason}", {
      reason: (error as Error).message,
    });
    return EXIT_FAILED;
  }
  const end = await Promise.race([signal.promise, service.failed]);
  if (typeof end !== "string") {
    // Sets under way have got their answers; let them leave.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return EXIT_FAILED;
  }
  await service.stop(end);
  return EXIT_OK;
}

async function main(): Promise<number> {
  try {
    const text = textFor(Deno.args);
    if (text !== undefined) {
      console.log(text);
      return EXIT_OK;
    }
  } catch (error) {
    console.error(`${(error as Error).message}\nTry --help.`);
    return EXIT_BAD_CONFIGURATION;
  }
  try {
    return await run(configFromEnvironment());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    return EXIT_BAD_CONFIGURATION;
  }
}

Deno.exit(await main());
