/**
 * How much a measurement does: the options of those that only repeat themselves.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { positive } from "./positive.ts";

/** What was asked for. */
export interface RoundOptions {
  /** How often everything is measured. */
  readonly rounds: number;
  /** Whether it is to be short. */
  readonly isQuick: boolean;
  /** Whether the report is JSON. */
  readonly json: boolean;
}

/**
 * @param args The arguments: `--rounds` (3; 1 with `--quick`), `--quick` and
 * `--json`.
 * @throws {RangeError} If the number is not a positive integer.
 */
export function roundOptions(args: string[]): RoundOptions {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const rounds = positive("rounds", values.rounds, values.quick ? 1 : 3);
  return { rounds, isQuick: values.quick, json: values.json };
}
