/**
 * The service's own log lines, on stderr.
 *
 * @module
 */
import {
  configureSync,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogLevel,
  type LogRecord,
} from "@logtape/logtape";

/** The levels that `LOG_LEVEL` may name. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** The formats that `LOG_FORMAT` may name. */
export const LOG_FORMATS = ["text", "json"] as const;

/**
 * Sets where log lines go, once for the process.
 *
 * @param level The least level that is written.
 * @param format Text for people or a JSON object a line for machines.
 */
export function configureLogging(
  level: (typeof LOG_LEVELS)[number],
  format: (typeof LOG_FORMATS)[number],
): void {
  const formatter = format === "json"
    ? getJsonLinesFormatter({ message: "rendered", properties: "flatten" })
    : getTextFormatter({
      timestamp: "rfc3339",
      category: ".",
      value: (value, inspect) =>
        typeof value === "string" ? value : inspect(value),
    });
  const encoder = new TextEncoder();
  const stderr = (record: LogRecord) => {
    Deno.stderr.writeSync(encoder.encode(formatter(record)));
  };
  configureSync({
    sinks: { stderr },
    loggers: [
      {
        category: "usergrade",
        lowestLevel: level as LogLevel,
        sinks: ["stderr"],
      },
      {
        category: ["logtape", "meta"],
        lowestLevel: "error",
        sinks: ["stderr"],
      },
    ],
  });
}
