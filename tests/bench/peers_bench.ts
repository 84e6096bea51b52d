/**
 * The benchmark beside others: a Go server with a map and a lock, Redis, Redis
 * over HTTP, and etcd, where they are installed. Gets, sets, durable sets, start and
 * memory, in one run; prints Markdown, or JSON with `--json`.
 *
 * Each case is measured for `--seconds N` (3) in each of `--rounds N` (3), and
 * memory with `--users N` (1 million). `--quick` takes one round of one second
 * and 100 thousand users, in about a minute.
 *
 * @module
 */
import { residentMb } from "../support/process_usage.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { type Figures, spread } from "./http/figures.ts";
import { findLoadGenerator, type LoadGenerator } from "./http/load.ts";
import { machine } from "./http/machine.ts";
import { ETCD } from "./peers/etcd_side.ts";
import { GoKind } from "./peers/go_side.ts";
import { OURS } from "./peers/our_side.ts";
import { RedisKind } from "./peers/redis_side.ts";
import {
  type CaseName,
  CASES,
  type PeerKind,
  type PeerMeasure,
} from "./peers/side.ts";
import { sizeOptions } from "./size_options.ts";

/** What a process takes: from its start to its first answer, and of memory. */
interface Footprint {
  readonly start_ms: number;
  readonly empty_MB: number;
  readonly full_MB: number;
}

type Medians = Pick<Figures, "per_s" | "p50_ms" | "p99_ms" | "cpu_us">;

const { rounds, seconds, users, json } = sizeOptions(Deno.args);
const { signal } = new AbortController();

/** Measures each case in each round, the sides of a case close together. */
async function measureCases(
  kinds: readonly PeerKind[],
  generator: LoadGenerator,
): Promise<Map<string, Map<CaseName, Medians>>> {
  await using resources = new AsyncDisposableStack();
  const sides: { name: string; measures: Map<CaseName, PeerMeasure> }[] = [];
  for (const kind of kinds) {
    console.error(`Starting ${kind.name}`);
    const side = resources.use(await kind.start());
    sides.push({ name: kind.name, measures: await side.prepare(generator) });
  }
  const found = new Map(
    sides.map(({ name }) => [name, new Map<CaseName, Figures[]>()]),
  );
  for (let round = 0; round <= rounds; round++) {
    console.error(round === 0 ? "Warming up" : `Round ${round} of ${rounds}`);
    for (const name of CASES) {
      // Turned round every other time, so that no side always comes first.
      for (const side of round % 2 === 1 ? sides : sides.toReversed()) {
        const figures = await side.measures.get(name)?.(
          round === 0 ? 1 : seconds,
          signal,
        );
        if (figures === undefined || round === 0) continue;
        const cases = found.get(side.name)!;
        cases.set(name, [...cases.get(name) ?? [], figures]);
      }
    }
  }
  return new Map(
    [...found].map(([name, cases]) => [
      name,
      new Map([...cases].map(([each, figures]) => [each, medians(figures)])),
    ]),
  );
}

function medians(figures: readonly Figures[]): Medians {
  const of = (name: "per_s" | "p50_ms" | "p99_ms") =>
    spread(figures.map((each) => each[name])).median;
  const cpu_us = figures.flatMap(({ cpu_us }) => cpu_us ?? []);
  return {
    per_s: of("per_s"),
    p50_ms: of("p50_ms"),
    p99_ms: of("p99_ms"),
    ...(cpu_us.length > 0 && { cpu_us: spread(cpu_us).median }),
  };
}

/** Starts a side as often as there are rounds, and fills it the last time. */
async function footprint(kind: PeerKind): Promise<Footprint> {
  console.error(`Starting and filling ${kind.name}`);
  const starts_ms: number[] = [];
  for (let round = 1;; round++) {
    const started_ms = performance.now();
    await using side = await kind.start();
    starts_ms.push(performance.now() - started_ms);
    const empty_MB = residentMb(side.pid);
    if (round < rounds) continue;
    await side.fill(users);
    const start_ms = spread(starts_ms).median;
    return { start_ms, empty_MB, full_MB: residentMb(side.pid) };
  }
}

/** @returns The sides that can be had here, and why the others can't be. */
async function available(
  kinds: readonly PeerKind[],
): Promise<{ here: PeerKind[]; missing: string[] }> {
  const here: PeerKind[] = [];
  const missing: string[] = [];
  for (const kind of kinds) {
    const why = await kind.missing();
    if (why === undefined) here.push(kind);
    else missing.push(why);
  }
  return { here, missing };
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(report: Awaited<ReturnType<typeof run>>): string {
  const names = report.sides.map(({ name }) => name);
  const line = (
    what: string,
    cell: (side: (typeof report.sides)[number]) => number | undefined,
    digits: number,
  ) =>
    row([
      what,
      ...report.sides.map((side) =>
        cell(side)?.toLocaleString("en", { maximumFractionDigits: digits }) ??
          "–"
      ),
    ]);
  return [
    row(["what", ...names]),
    row(["---", ...names.map(() => "---:")]),
    ...CASES.flatMap((name) => [
      line(`${name}, a second`, ({ cases }) => cases[name]?.per_s, 0),
      line("p50, ms", ({ cases }) => cases[name]?.p50_ms, 2),
      line("p99, ms", ({ cases }) => cases[name]?.p99_ms, 2),
      line("CPU of the process, µs", ({ cases }) => cases[name]?.cpu_us, 1),
    ]),
    line(
      "start to first answer, ms",
      ({ footprint }) => footprint?.start_ms,
      0,
    ),
    line("memory when empty, MB", ({ footprint }) => footprint?.empty_MB, 0),
    line(
      `memory with ${users} users, MB`,
      ({ footprint }) => footprint?.full_MB,
      0,
    ),
    "",
    `Medians of ${rounds} rounds of ${seconds} s; load and sides share all cores. Go keeps users in memory alone; etcd is asked through its gateway from JSON to gRPC. A durable set is synced to disk before it is answered.`,
    "",
    ...Object.entries(report.machine).map(([key, value]) =>
      `- ${key}: ${value}`
    ),
    ...report.missing.map((what) => `- missing: ${what}`),
  ].join("\n");
}

async function run() {
  using generator = await findLoadGenerator([]);
  using folder = new TemporaryFolder();
  using go = new GoKind();
  const environment = await machine(folder.path, undefined);
  const { here, missing } = await available([
    OURS,
    go,
    new RedisKind(false),
    new RedisKind(true),
    ETCD,
  ]);
  if (here.includes(go)) await go.prepare();
  const cases = await measureCases(here, generator);
  const sides = [];
  for (const kind of here) {
    sides.push({
      name: kind.name,
      cases: Object.fromEntries(cases.get(kind.name)!) as Partial<
        Record<CaseName, Medians>
      >,
      ...(!kind.isOfAnother && { footprint: await footprint(kind) }),
    });
  }
  return {
    machine: { ...environment, load: generator.name },
    rounds,
    seconds,
    users,
    missing,
    sides,
  };
}

const report = await run();
console.log(json ? JSON.stringify(report) : table(report));
