/**
 * How the service grows with its users: memory, gets, sets, backup and warm
 * start from 10 thousand to 10 million users, and the start of an empty
 * replica. Prints Markdown, or JSON with `--json`.
 *
 * Each figure is the median of `--rounds N` (3). `--quick` ends at 100 thousand
 * users, with one round.
 *
 * @module
 */
import { Cluster } from "../support/cluster.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { OurSide } from "./backup/our_side.ts";
import { output } from "./http/command.ts";
import { spread } from "./http/figures.ts";
import { findLoadGenerator, type LoadGenerator } from "./http/load.ts";
import { roundOptions } from "./round_options.ts";

/** How many connections load it, and for how long. */
const CONNECTIONS = 64;
const LOAD_SECONDS = 2;

/** What is told of one number of users. */
interface Growth {
  readonly users: number;
  /** Of the whole process, less what an empty one has. */
  readonly bytes_per_user: number;
  readonly gets_per_s: number;
  readonly get_p99_ms: number;
  readonly sets_per_s: number;
  readonly set_p99_ms: number;
  readonly backup_rows_per_s: number;
  readonly warm_start_rows_per_s: number;
}

const { rounds, isQuick, json } = roundOptions(Deno.args);
const sizes = isQuick ? [1e4, 1e5] : [1e4, 1e5, 1e6, 1e7];
const { signal } = new AbortController();

async function residentBytes(pid: number): Promise<number> {
  return Number(await output(["ps", "-o", "rss=", "-p", String(pid)])) * 1024;
}

/** The median of a measurement that is made `rounds` times. */
async function median(measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) values.push(await measure());
  return spread(values).median;
}

/** How long an empty replica takes until it is ready, and what it occupies. */
async function emptyReplica(): Promise<{ start_ms: number; bytes: number }> {
  await using cluster = await Cluster.start(0);
  let bytes = 0;
  const start_ms = await median(async () => {
    const started = performance.now();
    const replica = await cluster.startReplica(0);
    const took = performance.now() - started;
    bytes = await residentBytes(replica.pid);
    await replica.end("SIGTERM");
    return took;
  });
  return { start_ms, bytes };
}

async function grow(
  users: number,
  empty_bytes: number,
  generator: LoadGenerator,
): Promise<Growth> {
  using folder = new TemporaryFolder();
  await using side = await OurSide.start(users, folder.path);
  // Before the load, whose garbage is not the users'.
  const bytes = await residentBytes(side.donor.pid) - empty_bytes;
  const load = async (kind: "get" | "set") => {
    const latencies: number[] = [];
    const per_s = await median(async () => {
      const figures = await generator.generate({
        url: side.donor.url(kind),
        kind,
        population: users,
        connections: CONNECTIONS,
        seconds: LOAD_SECONDS,
      }, signal);
      latencies.push(figures.p99_ms);
      return figures.per_s;
    });
    return { per_s, p99_ms: spread(latencies).median };
  };
  const gets = await load("get");
  const backup_rows_per_s = await median(() => side.backup());
  const warm_start_rows_per_s = await median(async () =>
    (await side.warmStart(false)).rowsPerSecond
  );
  // Last, since it leaves a longer log behind.
  const sets = await load("set");
  return {
    users,
    bytes_per_user: bytes / users,
    gets_per_s: gets.per_s,
    get_p99_ms: gets.p99_ms,
    sets_per_s: sets.per_s,
    set_p99_ms: sets.p99_ms,
    backup_rows_per_s,
    warm_start_rows_per_s,
  };
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function thousands(count: number): string {
  return `${(count / 1000).toFixed(count < 1e4 ? 1 : 0)} k`;
}

function markdown(
  start_ms: number,
  empty_bytes: number,
  growth: readonly Growth[],
  generator: string,
): string {
  return [
    row([
      "users",
      "B/user",
      "gets/s",
      "p99, ms",
      "replicated sets/s",
      "p99, ms",
      "backup, rows/s",
      "warm start, rows/s",
    ]),
    row(new Array<string>(8).fill("---:")),
    ...growth.map((each) =>
      row([
        thousands(each.users),
        // Of few users nothing can be told: the process itself varies more.
        each.users < 1e6 ? "–" : each.bytes_per_user.toFixed(0),
        thousands(each.gets_per_s),
        each.get_p99_ms.toFixed(2),
        thousands(each.sets_per_s),
        each.set_p99_ms.toFixed(2),
        thousands(each.backup_rows_per_s),
        thousands(each.warm_start_rows_per_s),
      ])
    ),
    "",
    `An empty replica is ready ${
      start_ms.toFixed(0)
    } ms after the start of its process, which then has ${
      (empty_bytes / 1e6).toFixed(0)
    } MB. Medians of ${rounds} rounds; ${CONNECTIONS} connections of ${generator}; a warm start is from the start of the process to ready.`,
  ].join("\n");
}

using generator = await findLoadGenerator([]);
const empty = await emptyReplica();
const growth: Growth[] = [];
for (const users of sizes) {
  console.error(`${users} users`);
  growth.push(await grow(users, empty.bytes, generator));
}
console.log(
  json
    ? JSON.stringify({
      rounds,
      load: generator.name,
      empty_start_ms: empty.start_ms,
      empty_bytes: empty.bytes,
      growth,
    })
    : markdown(empty.start_ms, empty.bytes, growth, generator.name),
);
