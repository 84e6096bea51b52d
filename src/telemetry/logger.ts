/**
 * The service's own log lines, on stderr.
 *
 * A line never makes the service wait. Where nobody reads stderr, lines wait in
 * a bounded buffer, the oldest of them are dropped, and how many is said once
 * there is somebody who reads. Lines of one kind are limited too: what comes
 * with every entry of a log must not bury everything else.
 *
 * @module
 */
import {
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  getStreamSink,
  getTextFormatter,
  getThrottlingFilter,
  type LogLevel,
  type LogRecord,
} from "@logtape/logtape";
import { BestEffortOutput } from "./best_effort_output.ts";

/** The levels that `LOG_LEVEL` may name. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** The formats that `LOG_FORMAT` may name. */
export const LOG_FORMATS = ["text", "json"] as const;

/** The most lines that wait for stderr, besides as many on their way. */
const WAITING_LINES_MAX = 2_000;

/** The longest time from a line to its turn, where lines come in bursts. */
const FLUSH_INTERVAL_MS = 100;

/** The most lines of one kind, a message before its values are filled in. */
const LINES_PER_KIND_MAX = 20;

/** The time in which there may be as many. */
const LINES_PER_KIND_MS = 10_000;

/** How long the end of the process waits for its last lines. */
const LAST_LINES_TIMEOUT_MS = 1_000;

/** The process's log lines. */
export interface LogLines {
  /** How many lines could not be written. */
  readonly lost: number;
  /**
   * Resolves when all lines so far are written, or after a second: to be
   * awaited before the process ends.
   */
  flush(): Promise<void>;
}

/**
 * Sets where log lines go, once for the process.
 *
 * @param level The least level that is written.
 * @param format Text for people or a JSON object a line for machines.
 * @returns The lines.
 */
export function configureLogging(
  level: (typeof LOG_LEVELS)[number],
  format: (typeof LOG_FORMATS)[number],
): LogLines {
  const stderr = stderrSink(format);
  const limit = getThrottlingFilter({
    limit: LINES_PER_KIND_MAX,
    windowMs: LINES_PER_KIND_MS,
    clock: () => performance.now(),
    summary: { logger: { warning: logSuppressed } },
  });
  configureSync({
    sinks: { stderr: stderr.sink },
    filters: { limit },
    loggers: [
      {
        category: "usergrade",
        lowestLevel: level as LogLevel,
        sinks: ["stderr"],
        filters: ["limit"],
      },
      {
        category: ["logtape", "meta"],
        lowestLevel: "error",
        sinks: ["stderr"],
      },
    ],
  });
  return {
    get lost() {
      return stderr.output.lost;
    },
    flush: async () => {
      // Says what was left out and is not said yet.
      limit[Symbol.dispose]();
      const timeout = Promise.withResolvers<void>();
      const timer = setTimeout(timeout.resolve, LAST_LINES_TIMEOUT_MS);
      await Promise.race([stderr.drain(), timeout.promise]);
      clearTimeout(timer);
    },
  };
}

/** Writes records to stderr, in the background. */
function stderrSink(format: (typeof LOG_FORMATS)[number]) {
  const formatter = format === "json"
    ? getJsonLinesFormatter({ message: "rendered", properties: "flatten" })
    : getTextFormatter({
      timestamp: "rfc3339",
      category: ".",
      value: (value, inspect) =>
        typeof value === "string" ? value : inspect(value),
    });
  const encoder = new TextEncoder();
  const output = new BestEffortOutput(
    Deno.stderr,
    (lost) => encoder.encode(formatter(lostLinesRecord(lost))),
  );
  const stream = getStreamSink(output.stream, {
    formatter,
    nonBlocking: {
      bufferSize: WAITING_LINES_MAX / 2,
      flushInterval: FLUSH_INTERVAL_MS,
      onDrop: ({ count }) => output.noteLost(count),
    },
  });
  let draining: Promise<void> | undefined;
  // A line that comes alone does not wait for the next flush.
  const sink = (record: LogRecord) => {
    stream(record);
    draining ??= stream.drain().finally(() => draining = undefined);
  };
  return { sink, output, drain: () => stream.drain() };
}

/** Says how many lines of a kind were left out, as a line of the same logger. */
function logSuppressed(
  _message: string,
  { suppressed, lastRecord }: Record<string, unknown>,
): void {
  const { category, rawMessage } = lastRecord as LogRecord;
  getLogger(category).warn(
    "{suppressed} more lines like this one were left out: {line}",
    { suppressed, line: String(rawMessage) },
  );
}

/** The line that tells of lines that could not be written. */
function lostLinesRecord(lost: number): LogRecord {
  return {
    category: ["usergrade", "logger"],
    level: "error",
    rawMessage: "{lost} log lines are lost: stderr did not take them",
    message: ["", lost, " log lines are lost: stderr did not take them"],
    properties: { lost },
    timestamp: Date.now(),
  };
}
