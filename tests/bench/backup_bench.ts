/**
 * Backup and warm start beside Redis' own dump, in alternating rounds on one
 * machine. Prints Markdown, or JSON with `--json`.
 *
 * Options: `--users N` (default 5 million), `--rounds N` (3), `--quick`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { OurSide } from "./backup/our_side.ts";
import { RedisSide } from "./backup/redis_side.ts";
import { positive } from "./positive.ts";

/** How many users the donor has whose gets are measured. */
const GETS_USERS = 2_000_000;
const GETS_SECONDS = 2;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    users: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const users = positive("users", values.users, values.quick ? 5e5 : 5e6);
const rounds = positive("rounds", values.rounds, values.quick ? 1 : 3);

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

/** What each round measured. */
interface Dumps {
  /** Rows a second. Redis' are empty where it is not installed. */
  readonly backup: number[];
  readonly warm_start: number[];
  readonly redis_save: number[];
  readonly redis_load: number[];
  readonly longest_probe_ms: number[];
}

async function benchDumps(folder: string): Promise<Dumps> {
  await using redis = await RedisSide.start(users, folder);
  await using ours = await OurSide.start(users, folder);
  const dumps: Dumps = {
    backup: [],
    warm_start: [],
    redis_save: [],
    redis_load: [],
    longest_probe_ms: [],
  };
  for (let round = 0; round < rounds; round++) {
    dumps.backup.push(await ours.backup());
    if (redis !== undefined) dumps.redis_save.push(await redis.save());
    dumps.warm_start.push((await ours.warmStart(false)).rowsPerSecond);
    if (redis !== undefined) dumps.redis_load.push(await redis.load());
  }
  for (let round = 0; round < rounds; round++) {
    dumps.longest_probe_ms.push((await ours.warmStart(true)).longestProbe_ms);
  }
  return dumps;
}

/** The 99th percentile of gets in each round, in ms; empty without wrk. */
interface Gets {
  readonly users: number;
  readonly quiet_ms: number[];
  readonly during_backups_ms: number[];
}

async function benchGets(folder: string): Promise<Gets> {
  await using ours = await OurSide.start(
    values.quick ? users : GETS_USERS,
    folder,
  );
  const gets: Gets = {
    users: ours.users,
    quiet_ms: [],
    during_backups_ms: [],
  };
  for (let round = 0; round < rounds; round++) {
    const p99 = await ours.getsP99(GETS_SECONDS);
    if (p99 === undefined) break;
    gets.quiet_ms.push(p99);
    let done = false;
    const backups = (async () => {
      while (!done) await ours.backup();
    })();
    gets.during_backups_ms.push((await ours.getsP99(GETS_SECONDS))!);
    done = true;
    await backups;
  }
  return gets;
}

function markdown(dumps: Dumps, gets: Gets): string {
  const { backup, warm_start, redis_save, redis_load } = dumps;
  const dumpRow = (what: string, ours: number[], redis: number[]) =>
    `| ${what} | ${millions(ours)} | ${millions(redis)} | ${
      ratio(ours, redis)
    } |`;
  return [
    `${users / 1e6} M users, medians of ${rounds} rounds, M rows/s:`,
    "",
    "| | UserGrade | Redis | ratio |",
    "| --- | ---: | ---: | ---: |",
    dumpRow(
      "backup over HTTP; Redis: SAVE to its disk",
      backup,
      redis_save,
    ),
    dumpRow(
      "start of the process to ready, from a peer over HTTP; Redis: from its own dump",
      warm_start,
      redis_load,
    ),
    "",
    `Longest wait of a probe while it restores, in each round: ${
      dumps.longest_probe_ms.map((ms) => ms.toFixed(0)).join(", ")
    } ms.`,
    "",
    ...(gets.quiet_ms.length === 0
      ? ["Latency of gets during a backup: needs wrk."]
      : [
        `99th percentile of gets at 16 connections (wrk), ${
          gets.users / 1e6
        } M users, ms:`,
        "",
        "| quiet | during backups | ratio |",
        "| ---: | ---: | ---: |",
        `| ${median(gets.quiet_ms).toFixed(2)} | ${
          median(gets.during_backups_ms).toFixed(2)
        } | ${ratio(gets.during_backups_ms, gets.quiet_ms)} |`,
      ]),
  ].join("\n");
}

using folder = new TemporaryFolder();
const dumps = await benchDumps(folder.path);
const gets = await benchGets(folder.path);
console.log(
  values.json
    ? JSON.stringify({ users, rounds, dumps, gets })
    : markdown(dumps, gets),
);
