/**
 * The benchmark of healing: how long sets stay away when the broker is killed
 * under load and comes back with an older copy of its store, or with none, with
 * `HEAL_AFTER_MS` as it is by default. Prints Markdown, or JSON with `--json`.
 * The exit status is 1 if sets ever stayed away for more than `HEAL_AFTER_MS`
 * and 5 s.
 *
 * The time counts from when all servers take connections again, until each of
 * four clients of each replica had a set acknowledged that it sent after that.
 *
 * Each loss is measured in each of `--rounds N` (3), in about six minutes;
 * `--quick` takes one round, in about two.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { VARIABLES } from "../../src/config/variables.ts";
import { lose, type Loss, saveStores } from "../fault/broker_loss.ts";
import type { ServerCount } from "../fault/brokers.ts";
import { HealWorld } from "../integration/heal_world.ts";
import { areServersNew } from "../support/nats_server.ts";
import { SteadyClients } from "../support/steady_clients.ts";
import { type Spread, spread } from "./http/figures.ts";

const HEAL_AFTER_MS = Number(VARIABLES.HEAL_AFTER_MS.fallback);

/** What is promised. */
const LIMIT_MS = HEAL_AFTER_MS + 5_000;

const SERVERS: readonly ServerCount[] = [1, 3];
const REPLICAS = [2, 3];
const LOSSES: readonly Loss[] = ["older copy", "stores"];

/** The losses of one kind in one cluster. */
interface Case {
  readonly servers: ServerCount;
  readonly replicas: number;
  readonly loss: Loss;
  readonly away_ms: Spread;
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const rounds = Number(options.rounds ?? (options.quick ? 1 : 3));
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  throw new RangeError("Cannot run: --rounds must be a positive integer");
}
if (!areServersNew()) throw new RangeError("Cannot run: NATS 2.10 is needed");

/** For how long sets were away after one loss. */
interface Away {
  /** From when all servers took connections. */
  readonly connected_ms: number;
  /** From when JetStream answered what it has of the log. */
  readonly answered_ms: number;
}

async function measure(
  { brokers }: HealWorld,
  clients: SteadyClients,
  loss: Loss,
): Promise<Away> {
  await saveStores(brokers);
  await clients.back();
  const connected_ms = await lose(brokers, loss);
  const answered_ms = await clients.back();
  return { connected_ms: performance.now() - connected_ms, answered_ms };
}

async function measureCluster(
  servers: ServerCount,
  replicas: number,
): Promise<Case[]> {
  await using world = await HealWorld.start(servers, replicas, {
    HEAL_AFTER_MS: String(HEAL_AFTER_MS),
  });
  const clients = new SteadyClients(world.replicas);
  await clients.back();
  const found = LOSSES.map((loss) => ({ loss, away_ms: [] as number[] }));
  for (let round = 1; round <= rounds; round++) {
    for (const { loss, away_ms } of found) {
      const took_ms = await measure(world, clients, loss);
      away_ms.push(took_ms);
      console.error(
        `${servers} servers, ${replicas} replicas, ${loss}: ${
          (took_ms / 1000).toFixed(1)
        } s`,
      );
    }
  }
  // It is a failure if an acknowledged set is lost, or if replicas differ.
  await clients.stop();
  await clients.check(world.replicas);
  await world.agreement();
  return found.map(({ loss, away_ms }) => ({
    servers,
    replicas,
    loss,
    away_ms: spread(away_ms),
  }));
}

function table(cases: readonly Case[]): string {
  const row = (cells: readonly (string | number)[]) =>
    `| ${cells.join(" | ")} |`;
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  return [
    row([
      "NATS servers",
      "replicas",
      "come back with",
      "median, s",
      "worst, s",
    ]),
    row(["---:", "---:", "---", "---:", "---:"]),
    ...cases.map(({ servers, replicas, loss, away_ms: { median, high } }) =>
      row([
        servers,
        replicas,
        loss === "stores" ? "nothing" : "an older copy",
        seconds(median),
        seconds(high),
      ])
    ),
    "",
    `Until sets are taken again, from when all servers take connections; ${rounds} losses each, HEAL_AFTER_MS ${HEAL_AFTER_MS}. No acknowledged set was lost.`,
  ].join("\n");
}

const cases: Case[] = [];
for (const servers of SERVERS) {
  for (const replicas of REPLICAS) {
    cases.push(...await measureCluster(servers, replicas));
  }
}
console.log(options.json ? JSON.stringify(cases) : table(cases));
const worst_ms = Math.max(...cases.map(({ away_ms }) => away_ms.high));
if (worst_ms > LIMIT_MS) {
  console.error(
    `Sets stayed away for ${Math.round(worst_ms)} ms, more than ${LIMIT_MS} ms`,
  );
  Deno.exit(1);
}
