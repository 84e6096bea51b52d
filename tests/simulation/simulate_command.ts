/**
 * The command `deno task simulate`: runs the simulations for `--seeds N`
 * (1,000) seeds from `--from S` (a new one) on, `--only session`, `--only
 * snapshots` or `--only healing`, in `--jobs N` workers (1). It prints what was
 * seen, and stops at the first seed that breaks a promise, with exit status 1. A
 * single seed that fails is told with its stack.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { newSeed } from "../support/random.ts";
import { addSeen, runSeeds, type Seen, simulateCommand } from "./seeds.ts";
import type { Range, RangeEnd } from "./seeds_worker.ts";
import { STORMS } from "./storms.ts";

/** How many seeds a worker runs at a time. */
const RANGE_SEEDS = 100;

/** How many workers there may be. */
const JOBS_MAX = 64;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly names: readonly string[];
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string" },
      jobs: { type: "string", default: "1" },
      only: { type: "string" },
    },
  });
  const integer = (
    name: "seeds" | "from" | "jobs",
    min: number,
    max: number,
  ) => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= min && value <= max) {
      return value;
    }
    throw new RangeError(
      `Cannot simulate: --${name} must be an integer from ${min} to ${max}`,
    );
  };
  const names = Object.keys(STORMS);
  const { only } = values;
  if (only !== undefined && !names.includes(only)) {
    throw new RangeError(
      `Cannot simulate: --only must be ${names.join(" or ")}`,
    );
  }
  return {
    seeds: integer("seeds", 1, 2 ** 32),
    from: values.from === undefined
      ? newSeed()
      : integer("from", 0, 2 ** 32 - 1),
    jobs: integer("jobs", 1, JOBS_MAX),
    names: only === undefined ? names : [only],
  };
}

/** Runs ranges of seeds in a worker, one after the other. */
async function work(next: () => Range | undefined, all: Map<string, number>) {
  const worker = new Worker(new URL("./seeds_worker.ts", import.meta.url), {
    type: "module",
  });
  try {
    for (let range; (range = next()) !== undefined;) {
      const ended = new Promise<RangeEnd>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.postMessage(range);
      const end = await ended;
      if ("failure" in end) throw new Error(end.failure);
      addSeen(all, new Map(end.seen));
    }
  } finally {
    worker.terminate();
  }
}

async function simulate(
  name: string,
  { seeds, from, jobs }: Options,
): Promise<Seen> {
  if (jobs === 1) {
    return await runSeeds(simulateCommand(name), from, seeds, STORMS[name]);
  }
  const all = new Map<string, number>();
  let begun = 0;
  const next = () => {
    if (begun === seeds) return undefined;
    const first = from + begun;
    const count = Math.min(RANGE_SEEDS, seeds - begun);
    begun += count;
    return { name, first, count };
  };
  await Promise.all(Array.from({ length: jobs }, () => work(next, all)));
  return all;
}

const options = readOptions();
for (const name of options.names) {
  console.log(`${name}: ${options.seeds} seeds from ${options.from} on`);
  const began_ms = performance.now();
  try {
    const seen = await simulate(name, options);
    const took_s = Math.round((performance.now() - began_ms) / 1000);
    console.log(`${name}: no promise was broken in ${took_s} s of`);
    console.log(JSON.stringify(Object.fromEntries(seen), undefined, 2));
  } catch (error) {
    console.error(options.seeds === 1 ? error : (error as Error).message);
    Deno.exit(1);
  }
}
