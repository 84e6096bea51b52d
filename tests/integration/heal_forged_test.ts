import assert from "node:assert/strict";
import { connect } from "nats";
import { eventually } from "../support/eventually.ts";
import { areServersNew } from "../support/nats_server.ts";
import { set } from "./fuller_state.ts";
import { HealWorld } from "./heal_world.ts";

/**
 * Publishes what only a healing replica should.
 *
 * @param digest That of no state if left out.
 */
async function forge(
  url: string,
  healedTo: number,
  digest = "0123456789abcdef",
): Promise<void> {
  const nats = await connect({ servers: url });
  await nats.jetstream().publish(
    "usergrade.v2.set.$heal",
    JSON.stringify({ healed_to: healedTo, digest }),
  );
  await nats.close();
}

async function emptyStream(url: string): Promise<void> {
  const nats = await connect({ servers: url });
  await (await nats.jetstreamManager()).streams.purge("USERGRADE");
  await nats.close();
}

async function removeStream(url: string): Promise<void> {
  const nats = await connect({ servers: url });
  await (await nats.jetstreamManager()).streams.delete("USERGRADE");
  await nats.close();
}

Deno.test("a forged mark is skipped by replicas that run and by those that start, a true one at the beginning of an emptied log by none, and sets go on", async () => {
  await using world = await HealWorld.start(1, 2);
  const { brokers: { servers: [{ url }] }, replicas: [replica] } = world;
  await world.explained(async () => {
    await set(replica, "ann");
    const { sequence } = await world.agreement();
    await forge(url, sequence);
    await set(replica, "bob");
    await world.startReplica(2);
    const view = await world.agreement();
    assert.deepEqual([view.users, view.sequence], [2, sequence + 2]);
    await emptyStream(url);
    await forge(url, view.sequence, view.digest);
    await set(replica, "cid");
    assert.equal((await world.agreement()).sequence, view.sequence + 2);
    for (const one of world.replicas) {
      const metrics = await (await one.get("/metrics")).text();
      assert.match(metrics, /usergrade_poison_entries_total 1\n/);
      assert.match(metrics, /usergrade_heal_points 1\n/);
    }
  });
});

Deno.test({
  name:
    "a forged fence stops sets until the stream is removed, and loses nothing",
  // Below 2.10 nobody heals.
  ignore: !areServersNew(),
  fn: async () => {
    await using world = await HealWorld.start(1, 2);
    const { brokers: { servers: [{ url }] }, replicas: [replica] } = world;
    await world.explained(async () => {
      await set(replica, "ann");
      const { sequence } = await world.agreement();
      await forge(url, sequence + 50);
      await eventually(async () => {
        const { state, reason } = await (await replica.get("/readyz")).json();
        assert.deepEqual([state, /remove the stream/.test(reason)], [
          "healing",
          true,
        ]);
      });
      await removeStream(url);
      await replica.untilReady("set");
      await set(replica, "bob");
      const view = await world.agreement();
      assert.deepEqual([view.users, view.sequence], [2, sequence + 2]);
    });
  },
});
