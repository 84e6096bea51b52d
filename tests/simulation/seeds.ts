/**
 * Running a simulation for many seeds.
 *
 * @module
 */

/** What a run has seen, by name. */
export type Seen = ReadonlyMap<string, number>;

/**
 * @param first The first seed.
 * @param count How many seeds are run, one after the other.
 * @param run Runs one.
 * @returns What all of them have seen together.
 */
export async function runSeeds(
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
        for (const [name, times] of await run(seed)) {
          all.set(name, (all.get(name) ?? 0) + times);
        }
      } catch (error) {
        console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
        throw error;
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return all;
}

/** @returns How often each name is there. */
export function countNames(names: Iterable<string>): Seen {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
