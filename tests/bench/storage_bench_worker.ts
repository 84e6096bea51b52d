/**
 * One measurement of the storage benchmark, in a process of its own: loads
 * users, updates and reads them at random, and prints the figures as JSON.
 *
 * Arguments: the side's name, the number of users, the number of updates and
 * of gets.
 *
 * @module
 */
import { createSide, type SideName } from "./storage_bench_sides.ts";

/** What one process measured. */
export interface Figures {
  load_per_s: number;
  load_pause_ms: number;
  bytes_per_user: number;
  updates_per_s: number;
  updates_pause_ms: number;
  gets_per_s: number;
}

/** How many operations there are between two looks at the clock. */
const OPERATIONS_PER_LOOK = 64;

/**
 * Runs `operate(0)` to `operate(count - 1)`.
 *
 * @returns The speed, and the longest time between two looks at the clock.
 */
function measure(count: number, operate: (i: number) => void) {
  const start = performance.now();
  let looked = start;
  let pause_ms = 0;
  for (let i = 0; i < count;) {
    const end = Math.min(count, i + OPERATIONS_PER_LOOK);
    while (i < end) operate(i++);
    const now = performance.now();
    pause_ms = Math.max(pause_ms, now - looked);
    looked = now;
  }
  return { per_s: count / (looked - start) * 1000, pause_ms };
}

/** Both sides build their ids anew each time, as a parsed request does. */
function userId(i: number): string {
  return "user-" + (1_000_000 + i);
}

/** @returns A function that gives random integers from 0 to `below - 1`. */
function randomIntegers(below: number): () => number {
  let state = 0x9e3779b9;
  return () => {
    // xorshift32: the same sequence on both sides.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor((state >>> 0) / 2 ** 32 * below);
  };
}

function run(name: SideName, users: number, operations: number): Figures {
  const rssAtStart = Deno.memoryUsage().rss;
  const side = createSide(name);
  const load = measure(users, (i) => {
    side.set({
      user_id: userId(i),
      postpaid_limit: i,
      spp: i & 31,
      shipping_fee: i & 1023,
      return_fee: i & 255,
    });
  });
  const rss = Deno.memoryUsage().rss;
  if (side.size !== users) throw new Error(`${side.size} users were stored`);

  const random = randomIntegers(users);
  const updates = measure(operations, (i) => {
    side.set({ user_id: userId(random()), spp: i & 63, return_fee: i });
  });
  let found = 0;
  const gets = measure(operations, () => {
    if (side.get(userId(random())) !== undefined) found++;
  });
  if (found !== operations) throw new Error(`only ${found} users were found`);

  return {
    load_per_s: load.per_s,
    load_pause_ms: load.pause_ms,
    bytes_per_user: (rss - rssAtStart) / users,
    updates_per_s: updates.per_s,
    updates_pause_ms: updates.pause_ms,
    gets_per_s: gets.per_s,
  };
}

if (import.meta.main) {
  const [name, users, operations] = Deno.args;
  console.log(
    JSON.stringify(run(name as SideName, Number(users), Number(operations))),
  );
}
