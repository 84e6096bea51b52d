/**
 * The benchmark of starts: from the start of a process, or of the broker, to the
 * first set that is answered with 200. Beside this checkout it measures version
 * 1.0.0 or, with `--against FOLDER`, another checkout. Prints Markdown, or JSON
 * with `--json`.
 *
 * Each side is measured in each of `--rounds N` (7), one right after the other.
 * `--quick` takes two rounds, in about half a minute.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { AUTHORIZATION } from "../support/credentials.ts";
import { NatsServer } from "../support/nats_server.ts";
import { freePort } from "../support/ports.ts";
import { residentMb } from "../support/process_usage.ts";
import { releasedSources } from "../support/released_sources.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { ROOT } from "../support/start_command.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { cpuTime_us } from "./http/cpu_time.ts";
import { type Spread, spread } from "./http/figures.ts";
import { positive } from "./positive.ts";

/** How often a set is tried. */
const TRY_MS = 2;

/** How long a first set may take. */
const PATIENCE_MS = 30_000;

/** How long what a start leaves to do later has time. */
const SETTLE_MS = 1_000;

/** How long a pair of replicas runs before its broker is started again. */
const CALM_MS = 3_000;

/** What is measured, in its unit. */
const CASES = {
  "standalone, empty": "ms",
  "its CPU time": "ms",
  "its memory": "MB",
  "replicated, alone": "ms",
  "beside another replica": "ms",
  "after the broker's restart, two replicas": "ms",
} as const;

type CaseName = keyof typeof CASES;

/** One checkout. */
interface Side {
  readonly name: string;
  readonly sources: string;
  readonly found: Map<CaseName, number[]>;
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string" },
    against: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const rounds = positive("rounds", options.rounds, options.quick ? 2 : 7);

/** A service on ports that are known before it says so, and a client of it. */
class Started implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly process: ServiceProcess;
  readonly #url: string;

  constructor(side: Side, broker?: NatsServer) {
    const port = freePort();
    this.#url = `http://127.0.0.1:${port}`;
    this.process = ServiceProcess.spawn({
      dataDir: this.#folder.path,
      sources: side.sources,
      env: {
        SET_PORT: String(port),
        ...(broker && { NATS_URL: broker.url }),
      },
    });
  }

  /** @returns When the first set was answered with 200. */
  async firstSet(): Promise<number> {
    const end_ms = performance.now() + PATIENCE_MS;
    while (performance.now() < end_ms) {
      const response = await fetch(`${this.#url}/set`, {
        method: "POST",
        headers: { authorization: AUTHORIZATION },
        body: '{"user_id":"first","spp":1}',
      }).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.ok) return performance.now();
      await sleep(TRY_MS);
    }
    throw new Error("Cannot go on: the service takes no set");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

function note({ found }: Side, name: CaseName, value: number): void {
  found.set(name, [...found.get(name) ?? [], value]);
}

async function measureStandalone(side: Side): Promise<void> {
  const began_ms = performance.now();
  await using service = new Started(side);
  note(side, "standalone, empty", await service.firstSet() - began_ms);
  await sleep(SETTLE_MS);
  note(side, "its CPU time", (await cpuTime_us(service.process.pid))! / 1_000);
  note(side, "its memory", residentMb(service.process.pid));
}

async function measureReplicated(side: Side): Promise<void> {
  await using broker = await NatsServer.start();
  const began_ms = performance.now();
  await using first = new Started(side, broker);
  note(side, "replicated, alone", await first.firstSet() - began_ms);
  await sleep(SETTLE_MS);
  const beside_ms = performance.now();
  await using second = new Started(side, broker);
  note(side, "beside another replica", await second.firstSet() - beside_ms);
  await sleep(CALM_MS);
  await broker.stop("SIGKILL");
  await broker.start();
  const restarted_ms = performance.now();
  note(
    side,
    "after the broker's restart, two replicas",
    await first.firstSet() - restarted_ms,
  );
}

async function run(sides: readonly Side[]): Promise<void> {
  for (let round = 0; round <= rounds; round++) {
    console.error(round === 0 ? "Warming up" : `Round ${round} of ${rounds}`);
    for (const measure of [measureStandalone, measureReplicated]) {
      // Turned round every other time, so that no side always comes first.
      for (const side of round % 2 === 1 ? sides : sides.toReversed()) {
        await measure(side);
      }
    }
    // The first time everything comes from the disk.
    if (round === 0) { for (const { found } of sides) found.clear(); }
  }
}

function table(report: Record<string, Record<string, Spread>>): string {
  const names = Object.keys(report);
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["until the first set is answered", ...names]),
    row(["---", ...names.map(() => "---:")]),
    ...Object.entries(CASES).map(([name, unit]) =>
      row([
        `${name}, ${unit}`,
        ...names.map((side) => {
          const { median, low, high } = report[side][name];
          return `${median.toFixed(0)} (${low.toFixed(0)} to ${
            high.toFixed(0)
          })`;
        }),
      ])
    ),
    "",
    `Medians and ranges of ${rounds} rounds.`,
  ].join("\n");
}

using released = options.against === undefined
  ? await releasedSources("1.0.0")
  : undefined;
const sides = [
  { name: "this checkout", sources: ROOT },
  {
    name: options.against ?? "1.0.0",
    sources: options.against ?? released!.path,
  },
].map((side): Side => ({ ...side, found: new Map() }));
await run(sides);
const report = Object.fromEntries(
  sides.map(({ name, found }) => [
    name,
    Object.fromEntries(
      [...found].map(([what, values]) => [what, spread(values)]),
    ),
  ]),
);
console.log(options.json ? JSON.stringify(report) : table(report));
