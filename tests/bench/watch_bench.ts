/**
 * Measures what those who watch cost those who set: the same service with
 * nobody, with many who watch one user each, and with many who watch all.
 *
 * Prints Markdown, or with `--json` one object. Options: `--quick` for short
 * runs, `--rounds N`, `--watchers N`.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ChangeRing } from "../../src/replica/change_ring.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { withCpuTime } from "./http/cpu_time.ts";
import { type Figures, spread } from "./http/figures.ts";
import { findLoadGenerator } from "./http/load.ts";
import { Program } from "./http/program.ts";
import { grades } from "./http/requests.ts";

/** How many connections send sets. */
const CONNECTIONS = 64;

/** How long a side has to end what it still does. */
const PAUSE_MS = 500;

/** How many changes are kept to time one. */
const TIMED_CHANGES = 1_000_000;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    rounds: { type: "string" },
    watchers: { type: "string", default: "100" },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
const seconds = values.quick ? 2 : 5;
const watchers = Number(values.watchers);

/** Who watches. */
const SIDES = {
  nobody: undefined,
  [`${watchers}, one user each`]: "one",
  [`${watchers}, all users`]: "all",
} as const;

/** What one measurement found. */
interface Found extends Figures {
  readonly events_per_s: number;
}

/** How many events a service has sent. */
async function events(service: ServiceProcess): Promise<number> {
  const text = await (await service.get("/metrics")).text();
  return Number(/^usergrade_watch_events_total (\d+)$/m.exec(text)![1]);
}

/** How long one change takes to keep, in µs; the best of some. */
function keepCost_us(): number {
  const outcomes = grades().map((grade) => [grade]);
  const ring = new ChangeRing();
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    for (let i = 0; i < TIMED_CHANGES; i++) {
      ring.applied(i, outcomes[i % outcomes.length]);
    }
    best = Math.min(best, performance.now() - start);
  }
  return 1_000 * best / TIMED_CHANGES;
}

using generator = await findLoadGenerator([]);
using folder = new TemporaryFolder();
await using service = await ServiceProcess.start({ dataDir: folder.path });
const script = new URL("watch/watch_clients.ts", import.meta.url).pathname;

async function measure(what: string | undefined): Promise<Found> {
  await using clients = what === undefined ? undefined : new Program([
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--allow-net=127.0.0.1",
    script,
    service.url("get"),
    String(watchers),
    what,
  ]);
  await clients?.said();
  const before = await events(service);
  const figures = await withCpuTime(
    service.pid,
    () =>
      generator.generate({
        url: service.url("set"),
        kind: "set",
        connections: CONNECTIONS,
        seconds,
      }, new AbortController().signal),
  );
  const sent = await events(service) - before;
  return { ...figures, events_per_s: sent / seconds };
}

const found = new Map<string, Found[]>(
  Object.keys(SIDES).map((name) => [name, []]),
);
await measure(undefined);
for (let round = 0; round < rounds; round++) {
  const sides = Object.entries(SIDES);
  for (
    const [name, what] of round % 2 === 0 ? sides : sides.toReversed()
  ) {
    found.get(name)!.push(await measure(what));
    await sleep(PAUSE_MS);
  }
}

/** The median over the rounds of a figure beside that with nobody. */
function ratio(figures: readonly Found[], name: "per_s" | "cpu_us"): number {
  const quiet = found.get("nobody")!;
  return spread(figures.map((one, i) => one[name]! / quiet[i][name]!)).median;
}

const report = {
  keep_us: keepCost_us(),
  sides: [...found].map(([name, figures]) => ({
    watchers: name,
    sets_per_s: spread(figures.map(({ per_s }) => per_s)),
    speed: ratio(figures, "per_s"),
    cpu_us: spread(figures.map(({ cpu_us }) => cpu_us!)),
    cpu: ratio(figures, "cpu_us"),
    events_per_s: spread(figures.map((one) => one.events_per_s)),
    p99_ms: spread(figures.map(({ p99_ms }) => p99_ms)),
  })),
};

if (values.json) console.log(JSON.stringify(report));
else {
  console.log([
    `Keeping a change for those who will watch takes ${
      report.keep_us.toFixed(2)
    } µs.`,
    "",
    "| who watches | sets/s | to nobody | CPU, µs/set | to nobody | events/s | p99, ms |",
    `| --- |${" ---: |".repeat(6)}`,
    ...report.sides.map((side) =>
      `| ${side.watchers} | ${side.sets_per_s.median.toFixed(0)} | ${
        side.speed.toFixed(2)
      } | ${side.cpu_us.median.toFixed(1)} | ${side.cpu.toFixed(2)} | ${
        side.events_per_s.median.toFixed(0)
      } | ${side.p99_ms.median.toFixed(1)} |`
    ),
  ].join("\n"));
}
Deno.exit();
