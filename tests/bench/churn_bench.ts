/**
 * The churn benchmark: users come and go for many rounds, as many as are stored
 * in each. Prints a Markdown table of the storage beside a plain `Map` of
 * objects, or JSON with `--json`: what it occupies before and after, how fast
 * it is, and its longest pause.
 *
 * Each case is measured in a process of its own. `--users N` (1 million) are
 * stored, `--rounds N` (10) replace them all. `--quick` takes a tenth of the
 * users and three rounds.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Churn, CHURN_NAMES, type Figures } from "./churn_bench_worker.ts";
import { measureAlone } from "./measure_alone.ts";
import { SIDE_NAMES, type SideName } from "./storage_bench_sides.ts";
import { positive } from "./positive.ts";

const { values: options } = parseArgs({
  options: {
    users: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const users = positive("users", options.users, options.quick ? 1e5 : 1e6);
const rounds = positive("rounds", options.rounds, options.quick ? 3 : 10);

function measure(side: SideName, churn: Churn): Promise<Figures> {
  return measureAlone("churn_bench_worker.ts", [side, churn, users, rounds]);
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

const results: (Figures & { side: SideName; churn: Churn })[] = [];
for (const churn of CHURN_NAMES) {
  for (const side of SIDE_NAMES) {
    results.push({ side, churn, ...await measure(side, churn) });
  }
}
const lines = [
  `Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores; ${users} users, replaced ${rounds} times`,
  "",
  row([
    "side",
    "ids",
    "B/user before",
    "after",
    "growth",
    "update, ns",
    "delete and add, ns",
    "longest pause, ms",
  ]),
  row(["---", "---", ...new Array<string>(6).fill("---:")]),
  ...results.map((figures) =>
    row([
      figures.side,
      figures.churn,
      (figures.bytes_before / users).toFixed(1),
      (figures.bytes_after / users).toFixed(1),
      (figures.bytes_after / figures.bytes_before).toFixed(2),
      figures.update_ns.toFixed(0),
      figures.replace_ns.toFixed(0),
      figures.pause_ms.toFixed(1),
    ])
  ),
];
console.log(
  options.json ? JSON.stringify({ users, rounds, results }) : lines.join("\n"),
);
