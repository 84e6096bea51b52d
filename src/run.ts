/**
 * The service as a process: its log lines, its signals, what it says at the
 * terminal, and how it ends.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import { banner } from "./cli/banner.ts";
import { type Config, readConfig } from "./config/config.ts";
import { environmentOf, SYSTEM } from "./config/system.ts";
import { ConfigError } from "./config/variable_reader.ts";
import { countFreeDescriptors, judgeDescriptors } from "./descriptors.ts";
import { EXIT_BAD_CONFIGURATION, EXIT_FAILED, EXIT_OK } from "./exit_status.ts";
import { type Service, startService } from "./service.ts";
import { keepDebuggerClosed, StopSignal } from "./signals.ts";
import { configureLogging, type LogLines } from "./telemetry/logger.ts";
import { loadTraces } from "./telemetry/traces.ts";
import { VERSION } from "./version.ts";

const logger = getLogger(["usergrade"]);

/** What a run gets from outside. */
export interface RunOptions {
  /** Reads a variable of the environment. */
  variable(name: string): string | undefined;
  /** The thread of the log, which may still be loading. */
  readonly logThread: Worker;
  /** Whether a watcher starts the process again. */
  readonly isWatched: boolean;
}

/**
 * Runs the service until a signal, or until it can't go on.
 *
 * @returns The exit status of the process.
 */
export async function run(
  { variable, logThread, isWatched }: RunOptions,
): Promise<number> {
  let config: Config;
  try {
    config = await readConfig(environmentOf(variable), SYSTEM);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    return EXIT_BAD_CONFIGURATION;
  }
  const lines = configureLogging(config.logLevel, config.logFormat);
  keepDebuggerClosed();
  // Before the service, so that a signal during a long start drains too.
  const stopSignal = new StopSignal();
  try {
    return await serve(config, logThread, lines, stopSignal);
  } finally {
    await lines.flush();
    // After a failure a change of a file may mend it.
    if (isWatched && stopSignal.isReceived) await stopSignal.endWatcher();
  }
}

async function serve(
  config: Config,
  logThread: Worker,
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
    service = startService(config, VERSION, logThread, lines, traces);
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
  return await service.stop(end) ? EXIT_OK : EXIT_FAILED;
}

/** Says to a person at a terminal where the service is. */
function greet(
  { credentials: { user }, logLevel }: Config,
  { urls }: Service,
): void {
  if (logLevel !== "info" && logLevel !== "debug") return;
  printError(banner({ version: VERSION, user, urls }));
}

/** Writes to stderr, and nowhere else; waits for nothing that reads it. */
function printError(text: string): void {
  Deno.stderr.write(new TextEncoder().encode(`${text}\n`)).catch(() => {});
}
