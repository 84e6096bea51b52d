/**
 * Backup and warm start beside Redis' own dump, in alternating rounds on one
 * machine. Prints Markdown.
 *
 * Options: `--users N` (default 5 million), `--rounds N` (3), `--quick`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { OurSide } from "./backup/our_side.ts";
import { RedisSide } from "./backup/redis_side.ts";

/** How many users the donor has whose gets are measured. */
const GETS_USERS = 2_000_000;
const GETS_SECONDS = 2;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    users: { type: "string" },
    rounds: { type: "string", default: "3" },
    quick: { type: "boolean", default: false },
  },
});
const users = Number(values.users ?? (values.quick ? 500_000 : 5_000_000));
const rounds = values.quick ? 1 : Number(values.rounds);

function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function millions(rowsPerSecond: readonly number[]): string {
  return rowsPerSecond.length === 0
    ? "not installed"
    : (median(rowsPerSecond) / 1e6).toFixed(2);
}

function ratio(ours: readonly number[], redis: readonly number[]): string {
  return redis.length === 0 ? "" : (median(ours) / median(redis)).toFixed(2);
}

async function benchDumps(folder: string): Promise<void> {
  await using redis = await RedisSide.start(users, folder);
  await using ours = await OurSide.start(users, folder);
  const backup: number[] = [];
  const warm: number[] = [];
  const save: number[] = [];
  const load: number[] = [];
  for (let round = 0; round < rounds; round++) {
    backup.push(await ours.backup());
    if (redis !== undefined) save.push(await redis.save());
    warm.push((await ours.warmStart(false)).rowsPerSecond);
    if (redis !== undefined) load.push(await redis.load());
  }
  const probes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    probes.push((await ours.warmStart(true)).longestProbe_ms);
  }
  console.log(`${users / 1e6} M users, medians of ${rounds} rounds, M rows/s:

| | UserGrade | Redis | ratio |
| --- | ---: | ---: | ---: |
| backup over HTTP; Redis: SAVE to its disk | ${millions(backup)} | ${
    millions(save)
  } | ${ratio(backup, save)} |
| start of the process to ready, from a peer over HTTP; Redis: from its own dump | ${
    millions(warm)
  } | ${millions(load)} | ${ratio(warm, load)} |

Longest wait of a probe while it restores, in each round: ${
    probes.map((ms) => ms.toFixed(0)).join(", ")
  } ms.
`);
}

async function benchGets(folder: string): Promise<void> {
  await using ours = await OurSide.start(
    values.quick ? users : GETS_USERS,
    folder,
  );
  const quiet: number[] = [];
  const busy: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const p99 = await ours.getsP99(GETS_SECONDS);
    if (p99 === undefined) {
      console.log("Latency of gets during a backup: needs wrk.");
      return;
    }
    quiet.push(p99);
    let done = false;
    const backups = (async () => {
      while (!done) await ours.backup();
    })();
    busy.push((await ours.getsP99(GETS_SECONDS))!);
    done = true;
    await backups;
  }
  console.log(
    `99th percentile of gets at 16 connections (wrk), ${
      ours.users / 1e6
    } M users, ms:

| quiet | during backups | ratio |
| ---: | ---: | ---: |
| ${median(quiet).toFixed(2)} | ${median(busy).toFixed(2)} | ${
      ratio(busy, quiet)
    } |`,
  );
}

using folder = new TemporaryFolder();
await benchDumps(folder.path);
await benchGets(folder.path);
