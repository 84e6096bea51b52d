/**
 * One measurement of the churn benchmark, in a process of its own; prints the
 * figures as JSON.
 *
 * Arguments: the side's name, the kind of ids, the number of users and of
 * rounds.
 *
 * @module
 */
import { Storage } from "../../src/storage/storage.ts";
import { Random } from "../support/random.ts";
import { createSide, type Side, type SideName } from "./storage_bench_sides.ts";

/** How user `i` is called, and how large their number is. */
const CHURNS: Record<
  "one length" | "mixed, wide",
  (i: number) => [id: string, number: number]
> = {
  "one length": (i: number) => [`user-${10_000_000 + i}`, i],
  "mixed, wide": (i: number) => [
    `${i}`.padEnd(i * 7919 % 60, "x"),
    i % 3 === 0 ? 2 ** 40 : i,
  ],
};

/** A kind of ids. */
export type Churn = keyof typeof CHURNS;

/** All kinds, in the order of the table. */
export const CHURN_NAMES = Object.keys(CHURNS) as Churn[];

/** What one process measured. */
export interface Figures {
  /** Of records and slots; for a `Map`, of the whole process. */
  bytes_before: number;
  bytes_after: number;
  /** For a set of a user who is stored. */
  update_ns: number;
  /** For a deletion and the set of a new user. */
  replace_ns: number;
  /** The longest time that 64 of those took. */
  pause_ms: number;
}

/** How many operations there are between two looks at the clock. */
const OPERATIONS_PER_LOOK = 64;

/** Runs `operate` so many times. */
function measure(count: number, operate: () => void) {
  const start = performance.now();
  let looked = start;
  let pause_ms = 0;
  for (let i = 0; i < count;) {
    const end = Math.min(count, i + OPERATIONS_PER_LOOK);
    for (; i < end; i++) operate();
    const now = performance.now();
    pause_ms = Math.max(pause_ms, now - looked);
    looked = now;
  }
  return { ns: (looked - start) * 1e6 / count, pause_ms };
}

function bytesOf(side: Side): number {
  return side instanceof Storage ? side.bytes : Deno.memoryUsage().rss;
}

function run(
  name: SideName,
  churn: Churn,
  users: number,
  rounds: number,
): Figures {
  const side = createSide(name);
  const make = CHURNS[churn];
  const set = (i: number) => {
    const [user_id, number] = make(i);
    side.set({ user_id, postpaid_limit: number, spp: i & 31 });
  };
  /** The users who are stored, in no order. */
  const stored = Int32Array.from({ length: users }, (_, i) => i);
  for (let next = 0; next < users; next++) set(next);
  const bytes_before = bytesOf(side);
  const random = new Random(1);
  const updates = measure(users, () => set(stored[random.below(users)]));
  let next = users;
  const replacements = measure(users * rounds, () => {
    const at = random.below(users);
    side.delete(make(stored[at])[0]);
    set(stored[at] = next++);
  });
  if (side.size !== users) throw new Error(`${side.size} users are stored`);
  return {
    bytes_before,
    bytes_after: bytesOf(side),
    update_ns: updates.ns,
    replace_ns: replacements.ns,
    pause_ms: replacements.pause_ms,
  };
}

if (import.meta.main) {
  const [name, churn, users, rounds] = Deno.args;
  const figures = run(
    name as SideName,
    churn as Churn,
    Number(users),
    Number(rounds),
  );
  console.log(JSON.stringify(figures));
}
