/**
 * The HTTP benchmark: the service, standalone and replicated, beside the least
 * that `Deno.serve` and JetStream can do and beside Redis, compared in one run.
 *
 * It starts everything itself and prints Markdown, or JSON with `--json`. Each
 * case is measured for `--seconds N` (3) in each of `--rounds N` (3);
 * `--quick` takes one round of one second, and `--many` only what many at once
 * gain over one at a time. The exit status is 1 if a side did
 * not answer right.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "../support/programs.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { chooseCores } from "./http/cores.ts";
import { disturbances } from "./http/disturbance.ts";
import type { Outcome } from "./http/figures.ts";
import { findLoadGenerator, WrongAnswersError } from "./http/load.ts";
import { machine } from "./http/machine.ts";
import { type Case, CASE_GROUPS, manyGroups } from "./http/plan.ts";
import {
  type CaseOutcomes,
  caseReport,
  markdown,
  ratioReports,
  type Report,
} from "./http/report.ts";
import { Sides } from "./http/sides.ts";
import { positive } from "./positive.ts";

/** How long each case runs before it counts: compilers and caches are warm then. */
const WARM_UP_S = 1;

/** How long a side has to end what it still does behind its last answer. */
const PAUSE_MS = 200;

/** Where the progress is told, so that the result can be piped. */
const progress = console.error;

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly many: boolean;
  readonly json: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      many: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const usual = values.quick ? 1 : 3;
  return {
    seconds: positive("seconds", values.seconds, usual),
    rounds: positive("rounds", values.rounds, usual),
    many: values.many,
    json: values.json,
  };
}

async function measure(
  sides: Sides,
  each: Case,
  seconds: number,
  signal: AbortSignal,
): Promise<Outcome> {
  signal.throwIfAborted();
  try {
    return await sides.measures.get(each.side)!(each, seconds, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof WrongAnswersError)) throw error;
    progress(`${each.side} failed: ${error.message}`);
    return { failure: error.message };
  } finally {
    await sleep(PAUSE_MS);
  }
}

/** Measures all cases in each round, those that are compared close together. */
async function measureAll(
  sides: Sides,
  caseGroups: readonly (readonly Case[])[],
  { seconds, rounds }: Options,
  signal: AbortSignal,
): Promise<CaseOutcomes[]> {
  const groups = caseGroups.map((group) =>
    group.filter(({ side }) => sides.measures.has(side))
      .map((each) => ({ ...each, outcomes: [] as Outcome[] }))
  );
  progress("Warming up");
  for (const each of groups.flat()) {
    await measure(sides, each, WARM_UP_S, signal);
  }
  for (let round = 1; round <= rounds; round++) {
    progress(`Round ${round} of ${rounds}`);
    for (const group of groups) {
      // Turned round every other time, so that no side always comes first.
      for (const each of round % 2 === 1 ? group : group.toReversed()) {
        each.outcomes.push(await measure(sides, each, seconds, signal));
      }
    }
  }
  return groups.flat();
}

async function run(options: Options, signal: AbortSignal): Promise<Report> {
  const cores = await chooseCores();
  using onOneCore = await findLoadGenerator(cores.rest);
  using onAnyCore = await findLoadGenerator([]);
  using folder = new TemporaryFolder();
  const natsServer = findProgram("nats-server");
  const environment = await machine(folder.path, natsServer);
  const groups = options.many ? manyGroups() : CASE_GROUPS;
  progress("Starting the sides");
  await using sides = await Sides.start({
    cores,
    generators: { get: onOneCore, set: onAnyCore },
    natsServer,
    wanted: new Set(groups.flat().map(({ side }) => side)),
  });
  const measured = await measureAll(sides, groups, options, signal);
  const cases = measured.map(caseReport);
  return {
    machine: {
      ...environment,
      load: onAnyCore.name,
      cores: cores.description,
    },
    rounds: options.rounds,
    seconds: options.seconds,
    missing: sides.missing,
    disturbances: disturbances(cases),
    cases,
    ratios: ratioReports(measured),
  };
}

const options = readOptions();
const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => abort.abort(new Error(name)));
}
try {
  const report = await run(options, abort.signal);
  console.log(options.json ? JSON.stringify(report) : markdown(report));
  Deno.exit(report.cases.some((each) => each.failure) ? 1 : 0);
} catch (error) {
  // After a signal, which may have reached the sides too, any error is its.
  if (!abort.signal.aborted) throw error;
  progress(`Ended by ${abort.signal.reason.message}`);
  Deno.exit(130);
}
