/**
 * How much a measurement does: the options of those that load many users.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { positive } from "./positive.ts";

/** What was asked for. */
export interface SizeOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly users: number;
  /** Whether the report is JSON. */
  readonly json: boolean;
}

/**
 * @param args The arguments: `--rounds`, `--seconds`, `--users`, `--quick` and
 * `--json`.
 * @throws {RangeError} If a number is not a positive integer.
 */
export function sizeOptions(args: string[]): SizeOptions {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      users: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  return {
    rounds: positive("rounds", values.rounds, values.quick ? 1 : 3),
    seconds: positive("seconds", values.seconds, values.quick ? 1 : 3),
    users: positive("users", values.users, values.quick ? 1e5 : 1e6),
    json: values.json,
  };
}
