import assert from "node:assert/strict";
import { lose, type Loss, saveStores } from "../fault/broker_loss.ts";
import type { ServerCount } from "../fault/brokers.ts";
import { areServersNew } from "../support/nats_server.ts";
import { SteadyClients } from "../support/steady_clients.ts";
import { HealWorld, SETS_BACK_MAX_MS } from "./heal_world.ts";

const REPLICAS = 3;

/**
 * Loses one thing after the other under load, waits each time until sets have
 * come back, and checks that nothing is lost and that newcomers are equal.
 */
async function loseInARow(
  servers: ServerCount,
  losses: readonly Loss[],
): Promise<void> {
  await using world = await HealWorld.start(servers, REPLICAS);
  await world.explained(() => loseAll(world, losses));
}

async function loseAll(
  world: HealWorld,
  losses: readonly Loss[],
): Promise<void> {
  const { brokers, replicas } = world;
  const { id } = await world.agreement();
  const clients = new SteadyClients(replicas);
  await clients.back();
  for (const loss of losses) {
    await saveStores(brokers);
    await clients.back();
    await lose(brokers, loss);
    const back_ms = await clients.back();
    console.log(`${loss}: sets came back after ${Math.round(back_ms)} ms`);
    assert.ok(
      back_ms < SETS_BACK_MAX_MS,
      `${loss}: sets came back after ${Math.round(back_ms)} ms`,
    );
  }
  await clients.stop();
  const PEERS = replicas[0].url("set");
  await Promise.all([
    world.startReplica(REPLICAS, { PEERS }),
    world.startReplica(REPLICAS + 1),
  ]);
  await clients.check(world.replicas);
  const { id: after } = await world.agreement();
  assert.equal(after, id);
  for (const replica of replicas.slice(0, REPLICAS)) {
    // Each replica has seen each healing, whoever has done it.
    const healings = replica.lines.filter(({ message }) =>
      message.startsWith("The log was healed to entry ")
    );
    assert.equal(healings.length, losses.length);
  }
  assert.ok(clients.gets > 0);
}

if (areServersNew()) {
  Deno.test("a server that comes back with an older copy, with nothing, and then loses stream and bucket is made whole by the replicas each time: no acknowledged set is lost, and gets go on", async () => {
    await loseInARow(1, ["older copy", "stores", "stream and bucket"]);
  });

  Deno.test("the same on three servers that all come back with an older copy, then with nothing, and with an older copy again", async () => {
    await loseInARow(3, ["older copy", "stores", "older copy"]);
  });
} else {
  Deno.test("below NATS 2.10 replicas heal nothing: they are ahead of the log, and say why", async () => {
    await using world = await HealWorld.start(1, 2);
    const { brokers, replicas } = world;
    await world.explained(async () => {
      const clients = new SteadyClients(replicas);
      await clients.back();
      await saveStores(brokers);
      await clients.back();
      await lose(brokers, "older copy");
      for (const replica of replicas) {
        await replica.line(({ message, level }) =>
          message.startsWith("The log is not healed by this replica") &&
          message.includes("2.10 or later") && level === "WARN"
        );
        const probe = await fetch(`${replica.url("set")}/readyz`);
        const { state, reason } = await probe.json();
        assert.deepEqual([probe.status, state], [503, "ahead_of_log"]);
        assert.match(reason, /2\.10/);
      }
      await clients.stop();
      assert.ok(clients.gets > 0);
    });
  });
}
