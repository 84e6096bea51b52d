/**
 * The benchmark of 1, 2 and 4 replicas on one machine behind HAProxy: what each
 * of them adds and takes. It needs nats-server and haproxy, prints Markdown, or
 * JSON with `--json`.
 *
 * Load goes through the proxy, and beside it to the first replica alone. Each
 * case is measured for `--seconds N` (3) in each of `--rounds N` (3), and memory
 * with `--users N` (1 million). `--quick` takes one round of one second and 100
 * thousand users.
 *
 * @module
 */
import { findProgram } from "../support/programs.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { spread } from "./http/figures.ts";
import { findLoadGenerator, type LoadGenerator } from "./http/load.ts";
import { machine } from "./http/machine.ts";
import { type GroupFigures, ReplicaGroup } from "./replicas/group.ts";
import { sizeOptions } from "./size_options.ts";

const COUNTS = [1, 2, 4];

const CASES = (["get", "set"] as const).flatMap((kind) =>
  (["proxy", "direct"] as const).map((way) => ({ kind, way }))
);

const { rounds, seconds, users, json } = sizeOptions(Deno.args);
const programs = {
  natsServer: required("nats-server"),
  haproxy: required("haproxy"),
};

function required(name: "nats-server" | "haproxy"): string {
  const found = findProgram(name);
  if (found !== undefined) return found;
  console.error(`Cannot measure replicas: ${name} is not on the PATH`);
  // Others are measured without it.
  console.log(json ? "null" : `Left out: ${name} is not installed.`);
  Deno.exit(0);
}

/** What was measured of so many replicas. */
interface Measured {
  readonly count: number;
  readonly empty_MB: number;
  readonly full_MB: number;
  readonly cases: readonly (typeof CASES[number] & GroupFigures)[];
}

async function measure(
  count: number,
  generator: LoadGenerator,
): Promise<Measured> {
  console.error(`Measuring ${count} replicas`);
  const { signal } = new AbortController();
  await using group = await ReplicaGroup.start(count, programs);
  const empty_MB = group.memory_MB;
  await group.fill(users);
  const full_MB = group.memory_MB;
  const found = CASES.map(({ kind, way }) => ({
    kind,
    way,
    figures: [] as GroupFigures[],
  }));
  for (let round = 0; round <= rounds; round++) {
    for (const { kind, way, figures } of found) {
      const time_s = round === 0 ? 1 : seconds;
      const one = await group.measure(kind, way, time_s, generator, signal);
      // The first round is to warm up.
      if (round > 0) figures.push(one);
    }
  }
  const cases = found.map(({ kind, way, figures }) => ({
    kind,
    way,
    ...medians(figures),
  }));
  return { count, empty_MB, full_MB, cases };
}

function medians(figures: readonly GroupFigures[]): GroupFigures {
  const of = (name: keyof GroupFigures) =>
    spread(figures.map((each) => each[name] ?? NaN)).median;
  return {
    per_s: of("per_s"),
    p50_ms: of("p50_ms"),
    p99_ms: of("p99_ms"),
    replicas_us: of("replicas_us"),
    proxy_us: of("proxy_us"),
  };
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(measured: readonly Measured[]): string {
  const line = (
    what: string,
    cell: (each: Measured) => number | undefined,
    digits: number,
  ) =>
    row([
      what,
      ...measured.map((each) =>
        cell(each)?.toLocaleString("en", { maximumFractionDigits: digits }) ??
          "–"
      ),
    ]);
  return [
    row(["replicas", ...measured.map(({ count }) => String(count))]),
    row(["---", ...measured.map(() => "---:")]),
    line("memory of all when empty, MB", ({ empty_MB }) => empty_MB, 0),
    line(`with ${users} users, MB`, ({ full_MB }) => full_MB, 0),
    ...CASES.flatMap(({ kind, way }, i) => {
      const name = `${kind}s ${
        way === "proxy" ? "through the proxy" : "of one replica"
      }`;
      const of = (each: Measured) => each.cases[i];
      return [
        line(`${name}, a second`, (each) => of(each).per_s, 0),
        line("p99, ms", (each) => of(each).p99_ms, 2),
        line("CPU of all replicas, µs", (each) => of(each).replicas_us, 1),
        ...(way === "proxy"
          ? [line("CPU of the proxy, µs", (each) => of(each).proxy_us, 1)]
          : []),
      ];
    }),
  ].join("\n");
}

using generator = await findLoadGenerator([]);
using folder = new TemporaryFolder();
const environment = await machine(folder.path, programs.natsServer);
const measured: Measured[] = [];
for (const count of COUNTS) measured.push(await measure(count, generator));
const report = { machine: { ...environment, load: generator.name }, measured };
console.log(
  json ? JSON.stringify(report) : [
    table(measured),
    "",
    `Medians of ${rounds} rounds of ${seconds} s at 64 connections; replicas, proxy, broker and load share all cores.`,
    "",
    ...Object.entries(report.machine).map(([key, value]) =>
      `- ${key}: ${value}`
    ),
  ].join("\n"),
);
