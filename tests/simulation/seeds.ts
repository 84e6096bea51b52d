/**
 * Running a simulation for many seeds.
 *
 * @module
 */
import { setImmediate as turn } from "node:timers/promises";

/** What a run has seen, by name. */
export type Seen = ReadonlyMap<string, number>;

/** A run has broken a promise. */
export class BrokenPromiseError extends Error {
  override name = "BrokenPromiseError";
}

/** @returns The command that replays a seed of a simulation. */
export function simulateCommand(name: string): (seed: number) => string {
  return (seed) => `deno task simulate --only ${name} --from ${seed} --seeds 1`;
}

/**
 * @param replay The command that replays a seed.
 * @param first The first seed.
 * @param count How many seeds are run, one after the other.
 * @param run Runs one.
 * @returns What all of them have seen together.
 * @throws {BrokenPromiseError} With the first seed that fails.
 */
export async function runSeeds(
  replay: (seed: number) => string,
  first: number,
  count: number,
  run: (seed: number) => Promise<Seen>,
): Promise<Seen> {
  const all = new Map<string, number>();
  const { stackTraceLimit } = Error;
  // Most of the time would go into stacks of refusals; a replay has them.
  if (count > 1) Error.stackTraceLimit = 0;
  try {
    for (let i = 0; i < count; i++) {
      const seed = (first + i) >>> 0;
      try {
        addSeen(all, await run(seed));
        // What is held weakly can't be collected before.
        await turn();
      } catch (cause) {
        throw new BrokenPromiseError(
          `seed ${seed}: ${(cause as Error).message}; replay with: ${
            replay(seed)
          }`,
          { cause },
        );
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return all;
}

/** Adds what was seen to what was seen before. */
export function addSeen(all: Map<string, number>, seen: Seen): void {
  for (const [name, times] of seen) {
    all.set(name, (all.get(name) ?? 0) + times);
  }
}

/** @returns How often each name is there. */
export function countNames(names: Iterable<string>): Seen {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
