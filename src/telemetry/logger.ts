/**
 * The service's own log lines, on stderr.
 *
 * A line never makes the service wait. While nothing reads stderr, lines wait
 * in a bounded buffer, and the oldest are dropped. Once stderr is read again, a
 * line says how many. Lines of one kind are limited too: a line that comes with
 * every entry of a log must not bury the others.
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

/** The most lines that wait for stderr; as many more may be on their way. */
const WAITING_LINES_MAX = 2_000;

/** How long a line waits at most when lines come in bursts. */
const FLUSH_INTERVAL_MS = 100;

/** The most lines of one kind: of a message before its values are filled in. */
const LINES_PER_KIND_MAX = 20;

/** The period for which that limit counts. */
const LINES_PER_KIND_MS = 10_000;

/** How long the end of the process waits for its last lines. */
const LAST_LINES_TIMEOUT_MS = 1_000;

/** The process's log lines. */
export interface LogLines {
  /** How many lines could not be written. */
  readonly lost: number;
  /**
   * Resolves when all lines so far are written, or after a second. Await it
   * before the process ends.
   */
  flush(): Promise<void>;
}

/**
 * Configures the log lines of the process. Call it once.
 *
 * @param level The least level that is written.
 * @param format Text for people, or one JSON object per line for machines.
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
      // Reports the lines that were left out and not reported yet.
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
  // A single line does not wait for the next flush.
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

/** The line that reports lost lines. */
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
