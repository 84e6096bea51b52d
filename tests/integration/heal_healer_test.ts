import assert from "node:assert/strict";
import { lose, saveStores } from "../fault/broker_loss.ts";
import { areServersNew } from "../support/nats_server.ts";
import { SteadyClients } from "../support/steady_clients.ts";
import { HEAL_STEPS, type HealStep, HealSteps } from "../fault/heal_steps.ts";
import { HealWorld, SETS_BACK_MAX_MS } from "./heal_world.ts";

/** How long a replica may take to come to a step. */
const STEP_MAX_MS = 15_000;

Deno.test({
  name:
    "whoever heals the log is killed at each step in turn, and another replica finishes it: nothing is lost, and the killed one comes back equal",
  // Below 2.10 nobody heals.
  ignore: !areServersNew(),
  fn: async () => {
    await using world = await HealWorld.start(1, 3);
    const steps = new HealSteps(world.brokers.clients);
    const clients = new SteadyClients(world.replicas);
    for (const step of HEAL_STEPS) {
      await world.explained(() => killHealer(world, clients, steps, step));
      clients.resume();
    }
    await clients.stop();
  },
});

async function killHealer(
  world: HealWorld,
  clients: SteadyClients,
  steps: HealSteps,
  step: HealStep,
): Promise<void> {
  const { brokers, replicas } = world;
  await saveStores(brokers);
  await clients.back();
  await clients.stop();
  const before = await world.agreement();

  const struck = steps.next(step, STEP_MAX_MS);
  await lose(brokers, step === "remake" ? "stores" : "older copy");
  const lost_ms = performance.now();
  const id = await struck;
  assert.ok(id, `nobody has come to the step ${step}`);
  const healer = Number(id.slice(1));
  await replicas[healer].end("SIGKILL");

  const others = replicas.filter((_, index) => index !== healer);
  await Promise.all(others.map((one) => one.untilReady("set")));
  const back_ms = performance.now() - lost_ms;
  const told = `${step}: sets came back after ${Math.round(back_ms)} ms`;
  console.log(told);
  assert.ok(back_ms < SETS_BACK_MAX_MS, told);
  await clients.check(others);
  const { sequence } = await world.agreement(others);
  assert.ok(sequence > before.sequence, `${step}: ${sequence}`);
  await world.startReplica(healer);
  await clients.check(replicas);
  await world.agreement();
}
