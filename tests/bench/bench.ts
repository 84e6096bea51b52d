/**
 * All benchmarks, one after the other: prints their Markdown, or with `--json`
 * one object with a member for each. `--quick` is passed on.
 *
 * @module
 */
import { parseArgs } from "node:util";
import project from "../../deno.json" with { type: "json" };

/** The tasks that measure, in the order of the report. */
const TASKS = [
  "http",
  "peers",
  "replicas",
  "storage",
  "churn",
  "growth",
  "start",
  "backup",
  "snapshot",
  "heal",
  "watch",
  "hostile",
] as const;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** Runs one benchmark with its own permissions; returns what it printed. */
async function run(name: (typeof TASKS)[number]): Promise<string> {
  const { description } = project.tasks[`bench:${name}`];
  console.error(`\n${name}: ${description}`);
  const { code, stdout } = await new Deno.Command("deno", {
    args: [
      "task",
      "--quiet",
      `bench:${name}`,
      ...(options.quick ? ["--quick"] : []),
      ...(options.json ? ["--json"] : []),
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) {
    throw new Error(`Cannot go on: bench:${name} ended with status ${code}`);
  }
  return new TextDecoder().decode(stdout).trim();
}

const report: Record<string, unknown> = {};
for (const name of TASKS) {
  const printed = await run(name);
  if (options.json) report[name] = JSON.parse(printed);
  else console.log(`## ${name}\n\n${printed}\n`);
}
if (options.json) console.log(JSON.stringify(report));
