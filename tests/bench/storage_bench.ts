/**
 * The storage benchmark: prints a Markdown table of the storage beside a plain
 * `Map` of objects, or JSON with `--json`.
 *
 * Each figure is the median of `--runs N` (3) processes; the sides take turns,
 * so that a busy moment of the machine meets both. `--quick` takes a tenth of
 * the users.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { measureAlone } from "./measure_alone.ts";
import { SIDE_NAMES, type SideName } from "./storage_bench_sides.ts";
import type { Figures } from "./storage_bench_worker.ts";
import { positive } from "./positive.ts";

/** What one process is to measure. */
interface Case {
  readonly side: SideName;
  readonly users: number;
}

const { values: options } = parseArgs({
  options: {
    runs: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const runs = positive("runs", options.runs, 3);
const scale = options.quick ? 0.1 : 1;
const [small, large, largest] = [1e6, 10e6, 30e6].map((users) => users * scale);
const operations = 3e6 * scale;

function measure({ side, users }: Case): Promise<Figures> {
  return measureAlone("storage_bench_worker.ts", [side, users, operations]);
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

function medians(figures: Figures[]): Figures {
  const names = Object.keys(figures[0]) as (keyof Figures)[];
  return Object.fromEntries(
    names.map((name) => [name, median(figures.map((each) => each[name]))]),
  ) as unknown as Figures;
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(count < 1e6 ? 1 : 0)} M`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

const cases: Case[] = [
  ...[small, large].flatMap((users) =>
    SIDE_NAMES.map((side) => ({ side, users }))
  ),
  // V8 gives a `Map` no more than 2^24 keys.
  { side: "Storage", users: largest },
];
const measured = new Map<Case, Figures[]>(cases.map((each) => [each, []]));
for (let run = 0; run < runs; run++) {
  for (const each of cases) measured.get(each)!.push(await measure(each));
}
const results = cases.map((each) => ({
  ...each,
  figures: medians(measured.get(each)!),
}));

const speed = (perSecond: number) => (perSecond / 1e6).toFixed(2);
const pause = (ms: number) => ms.toFixed(1);
const lines = [
  `Deno ${Deno.version.deno}, V8 ${Deno.version.v8}, ${navigator.hardwareConcurrency} cores; medians of ${runs} runs`,
  "",
  row([
    "side",
    "users",
    "load, M/s",
    "longest pause, ms",
    "B/user",
    "updates, M/s",
    "longest pause, ms",
    "gets, M/s",
  ]),
  row(["---", ...new Array<string>(7).fill("---:")]),
  ...results.map(({ side, users, figures }) =>
    row([
      side,
      millions(users),
      speed(figures.load_per_s),
      pause(figures.load_pause_ms),
      figures.bytes_per_user.toFixed(1),
      speed(figures.updates_per_s),
      pause(figures.updates_pause_ms),
      speed(figures.gets_per_s),
    ])
  ),
  "",
  row([`${millions(large)} to ${millions(small)}`, "load", "updates", "gets"]),
  row(["---", "---:", "---:", "---:"]),
  ...SIDE_NAMES.map((side) => {
    const at = (users: number) =>
      results.find((each) => each.side === side && each.users === users)!
        .figures;
    const ratio = (name: keyof Figures) =>
      (at(large)[name] / at(small)[name]).toFixed(2);
    return row([
      side,
      ratio("load_per_s"),
      ratio("updates_per_s"),
      ratio("gets_per_s"),
    ]);
  }),
  "",
  `A \`Map\` of ${
    millions(30e6)
  } is left out: it takes no more than 2^24 keys.`,
];
console.log(
  options.json ? JSON.stringify({ runs, results }) : lines.join("\n"),
);
