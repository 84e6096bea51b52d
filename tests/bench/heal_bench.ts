/**
 * The benchmark of healing: how long sets stay away when the broker is killed
 * under load and comes back with an older copy of its store, or with none, with
 * `HEAL_AFTER_MS` as it is by default. Prints Markdown, or JSON with `--json`.
 * The exit status is 1 if sets ever stayed away for more than `HEAL_AFTER_MS`
 * and 5 s.
 *
 * The time counts from when JetStream answers what it has of the log: several
 * servers that were killed at once take some seconds until they agree on who
 * leads it, which is NATS' own time. It ends when each of four clients of each
 * replica had a set acknowledged that it sent after that.
 *
 * Each loss is measured in each of `--rounds N` (3), in about six minutes;
 * `--quick` takes one round, in about two.
 *
 * @module
 */
import { VARIABLES } from "../../src/config/variables.ts";
import { lose, type Loss, saveStores } from "../fault/broker_loss.ts";
import type { ServerCount } from "../fault/brokers.ts";
import { HealWorld } from "../integration/heal_world.ts";
import { areServersNew } from "../support/nats_server.ts";
import { SteadyClients } from "../support/steady_clients.ts";
import { type Spread, spread } from "./http/figures.ts";
import { roundOptions } from "./round_options.ts";

const HEAL_AFTER_MS = Number(VARIABLES.HEAL_AFTER_MS.fallback);

/** What is promised. */
const LIMIT_MS = HEAL_AFTER_MS + 5_000;

const SERVERS: readonly ServerCount[] = [1, 3];
const REPLICAS = [2, 3];
const LOSSES: readonly Loss[] = ["older copy", "stores"];

/** For how long sets were away after one loss. */
interface Away {
  /** From when JetStream answered what it has of the log. */
  readonly answered_ms: number;
  /** From when all servers took connections. */
  readonly connected_ms: number;
}

/** The losses of one kind in one cluster. */
interface Case {
  readonly servers: ServerCount;
  readonly replicas: number;
  readonly loss: Loss;
  readonly sinceAnswer_ms: Spread;
  readonly sinceConnections_ms: Spread;
}

const { rounds, json } = roundOptions(Deno.args);
if (!areServersNew()) throw new RangeError("Cannot run: NATS 2.10 is needed");

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
  const found: Case[] = [];
  await world.explained(async () => {
    found.push(...await loseAll(world, servers, replicas));
  });
  return found;
}

/** @throws {Error} If an acknowledged set is lost, or if replicas differ. */
async function loseAll(
  world: HealWorld,
  servers: ServerCount,
  replicas: number,
): Promise<Case[]> {
  const clients = new SteadyClients(world.replicas);
  await clients.back();
  const found = LOSSES.map((loss) => ({ loss, aways: [] as Away[] }));
  for (let round = 1; round <= rounds; round++) {
    for (const { loss, aways } of found) {
      const away = await measure(world, clients, loss);
      aways.push(away);
      console.error(
        `${servers} servers, ${replicas} replicas, ${loss}: ${
          seconds(away.answered_ms)
        } s, ${seconds(away.connected_ms)} s from when they took connections`,
      );
    }
  }
  await clients.stop();
  await clients.check(world.replicas);
  await world.agreement();
  return found.map(({ loss, aways }) => ({
    servers,
    replicas,
    loss,
    sinceAnswer_ms: spread(aways.map((one) => one.answered_ms)),
    sinceConnections_ms: spread(aways.map((one) => one.connected_ms)),
  }));
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function table(cases: readonly Case[]): string {
  const row = (cells: readonly (string | number)[]) =>
    `| ${cells.join(" | ")} |`;
  return [
    row([
      "NATS servers",
      "replicas",
      "come back with",
      "sets are back after, s",
      "worst",
      "from when they took connections, s",
      "worst",
    ]),
    row(["---:", "---:", "---", "---:", "---:", "---:", "---:"]),
    ...cases.map((
      { servers, replicas, loss, sinceAnswer_ms, sinceConnections_ms },
    ) =>
      row([
        servers,
        replicas,
        loss === "stores" ? "nothing" : "an older copy",
        seconds(sinceAnswer_ms.median),
        seconds(sinceAnswer_ms.high),
        seconds(sinceConnections_ms.median),
        seconds(sinceConnections_ms.high),
      ])
    ),
    "",
    `Medians of ${rounds} losses each, from when JetStream answers what it has of the log; HEAL_AFTER_MS is ${HEAL_AFTER_MS}. No acknowledged set was lost.`,
  ].join("\n");
}

const cases: Case[] = [];
for (const servers of SERVERS) {
  for (const replicas of REPLICAS) {
    cases.push(...await measureCluster(servers, replicas));
  }
}
console.log(json ? JSON.stringify(cases) : table(cases));
const worst_ms = Math.max(
  ...cases.map(({ sinceAnswer_ms }) => sinceAnswer_ms.high),
);
if (worst_ms > LIMIT_MS) {
  console.error(
    `Sets stayed away for ${Math.round(worst_ms)} ms, more than ${LIMIT_MS} ms`,
  );
  Deno.exit(1);
}
