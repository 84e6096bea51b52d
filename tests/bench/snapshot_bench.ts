/**
 * Snapshots at the broker: beside backups, beside sets and gets, as the start
 * of a cluster, and as what keeps the log small. Prints Markdown, or JSON with
 * `--json`.
 *
 * Options: `--users N` (5 million) for snapshots and starts, `--rounds N` (3),
 * `--minutes N` (10) of sets at full speed with a million users, `--quick` for
 * short runs with few users, `--only NAME` for one part.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { findLoadGenerator } from "./http/load.ts";
import { measureBesideLoad } from "./snapshot/beside_load.ts";
import { measureLogGrowth } from "./snapshot/log_growth.ts";
import { measureMaking } from "./snapshot/making.ts";
import { markdown, type Measured } from "./snapshot/report.ts";

const { values } = parseArgs({
  options: {
    users: { type: "string" },
    rounds: { type: "string" },
    minutes: { type: "string" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** An option, or what it is without and with `--quick`. */
function option(
  name: "users" | "rounds" | "minutes",
  usual: number,
  quick: number,
): number {
  const value = Number(values[name] ?? (values.quick ? quick : usual));
  if (value > 0) return value;
  throw new RangeError(`Cannot run: --${name} must be a positive number`);
}

const users = option("users", 5_000_000, 500_000);
const rounds = option("rounds", 3, 1);
const minutes = option("minutes", 10, 1);

using folder = new TemporaryFolder();
using generator = await findLoadGenerator([]);

const PARTS = {
  making: () => measureMaking(users, rounds, folder.path),
  beside_load: () =>
    measureBesideLoad({
      users: Math.min(users, 2_000_000),
      rounds,
      seconds: values.quick ? 3 : 10,
      generator,
      folder: folder.path,
    }),
  log_growth: () =>
    measureLogGrowth({
      users: values.quick ? 100_000 : 1_000_000,
      seconds: 60 * minutes,
      // As much of the snapshot's size either way.
      snapshotLogBytes: Math.round((values.quick ? 6.4 : 64) * 2 ** 20),
      generator,
      folder: folder.path,
    }),
};

const measured: Record<string, unknown> = {};
for (const [name, measure] of Object.entries(PARTS)) {
  if (values.only !== undefined && values.only !== name) continue;
  console.error(`Measuring ${name}`);
  measured[name] = await measure();
}
console.log(
  values.json
    ? JSON.stringify({ rounds, load: generator.name, ...measured })
    : markdown(measured as Measured, rounds, generator.name),
);
