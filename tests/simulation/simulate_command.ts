/**
 * The command `deno task simulate`: runs the simulations for `--seeds N`
 * (1,000) seeds from `--from S` (a new one) on, `--only session`, `--only
 * snapshots` or `--only healing`. It prints what was seen, and stops at the
 * first seed that breaks a promise, with exit status 1.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { newSeed } from "../support/random.ts";
import { HealStorm } from "./heal_storm.ts";
import { runSeeds, type Seen } from "./seeds.ts";
import { SnapshotStorm } from "./snapshot_storm.ts";
import { Storm } from "./storm.ts";

/** What can be simulated, and the test that replays a seed of it. */
const STORMS: Record<
  string,
  { readonly test: string; run(seed: number): Promise<Seen> }
> = {
  session: { test: "storm_test.ts", run: (seed) => new Storm(seed).run() },
  snapshots: {
    test: "snapshot_storm_test.ts",
    run: (seed) => new SnapshotStorm(seed).run(),
  },
  healing: {
    test: "heal_storm_test.ts",
    run: (seed) => new HealStorm(seed).run(),
  },
};

function readOptions(): { seeds: number; from: number; names: string[] } {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string" },
      only: { type: "string" },
    },
  });
  const seeds = Number(values.seeds);
  if (!Number.isSafeInteger(seeds) || seeds < 1) {
    throw new RangeError("Cannot simulate: --seeds must be a positive integer");
  }
  const from = values.from === undefined ? newSeed() : Number(values.from);
  if (!Number.isSafeInteger(from) || from < 0 || from >= 2 ** 32) {
    throw new RangeError(
      "Cannot simulate: --from must be an integer below 2^32",
    );
  }
  const names = Object.keys(STORMS);
  if (values.only === undefined) return { seeds, from, names };
  if (!names.includes(values.only)) {
    throw new RangeError(
      `Cannot simulate: --only must be ${names.join(" or ")}`,
    );
  }
  return { seeds, from, names: [values.only] };
}

const { seeds, from, names } = readOptions();
for (const name of names) {
  console.log(`${name}: ${seeds} seeds from ${from} on`);
  const { run, test } = STORMS[name];
  const began_ms = performance.now();
  try {
    const seen = await runSeeds(from, seeds, run);
    const took_s = Math.round((performance.now() - began_ms) / 1000);
    console.log(`${name}: no promise was broken in ${took_s} s of`);
    console.log(JSON.stringify(Object.fromEntries(seen), undefined, 2));
  } catch (error) {
    console.error(error);
    console.error(`run it alone: deno test -A tests/simulation/${test}`);
    Deno.exit(1);
  }
}
