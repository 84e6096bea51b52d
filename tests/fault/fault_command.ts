/**
 * The command `deno task fault`: runs faults for `--minutes M` (5), decided by
 * `--seed S` (a new one), on a broker of `--servers N` (1 or 3), with
 * `--snapshots` behind which the log is cut all the time, or with `--heal`, so
 * that the broker loses what it has and the replicas heal its log, or without
 * both; prints what it does and the figures as JSON. The exit status is 1 if a
 * promise was broken, or if too little happened.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { areServersNew } from "../support/nats_server.ts";
import { newSeed } from "../support/random.ts";
import type { ServerCount } from "./brokers.ts";
import { runFaults } from "./fault_run.ts";
import { shortfalls } from "./figures.ts";

/** The most problems that are printed: one bug may show in every answer. */
const PROBLEMS_MAX = 20;

interface Options {
  readonly seed: number;
  readonly minutes: number;
  readonly servers: ServerCount;
  readonly snapshots: boolean;
  readonly losses: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "5" },
      servers: { type: "string", default: "1" },
      snapshots: { type: "boolean", default: false },
      heal: { type: "boolean", default: false },
    },
  });
  const seed = values.seed === undefined ? newSeed() : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError("Cannot run: --seed must be an integer below 2^32");
  }
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && Number.isFinite(minutes))) {
    throw new RangeError("Cannot run: --minutes must be a positive number");
  }
  const servers = Number(values.servers);
  if (servers !== 1 && servers !== 3) {
    throw new RangeError("Cannot run: --servers must be 1 or 3");
  }
  const { snapshots, heal: losses } = values;
  if (snapshots && losses) {
    throw new RangeError("Cannot run: choose --snapshots or --heal");
  }
  if (losses && !areServersNew()) {
    throw new RangeError("Cannot run: --heal needs NATS 2.10");
  }
  return { seed, minutes, servers, snapshots, losses };
}

const { minutes, ...options } = readOptions();
const replay =
  `deno task fault --seed ${options.seed} --minutes ${minutes} --servers ${options.servers}${
    options.snapshots ? " --snapshots" : ""
  }${options.losses ? " --heal" : ""}`;
console.log(`${replay} (the same faults again)`);
const { figures, problems } = await runFaults({
  ...options,
  faults_ms: minutes * 60_000,
  progress: console.log,
});
console.log(JSON.stringify(figures, undefined, 2));
const found = [...problems, ...shortfalls(figures)];
for (const problem of found.slice(0, PROBLEMS_MAX)) console.error(problem);
if (found.length > 0) console.error(`${found.length} problems; ${replay}`);
Deno.exit(found.length > 0 ? 1 : 0);
