import assert from "node:assert/strict";
import { lose, saveStores } from "../fault/broker_loss.ts";
import { TcpProxy } from "../fault/tcp_proxy.ts";
import { areServersNew } from "../support/nats_server.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { set } from "./fuller_state.ts";
import { HealWorld, viewOf } from "./heal_world.ts";

/** How many sets the others miss. */
const MISSED = 5;

/** Checks that a replica says that there are two histories, and gives its own. */
async function assertForked(
  replica: ServiceProcess,
  before: { sequence: number; digest: string },
): Promise<void> {
  await replica.line(({ state, level }) =>
    state === "forked" && level === "ERROR"
  );
  const { state } = await replica.statusJson();
  assert.equal(state, "forked");
  const { sequence, digest } = await viewOf(replica);
  assert.deepEqual({ sequence, digest }, before);
  for (let i = 0; i < MISSED; i++) {
    const got = await replica.get(`/get?user_id=missed+${i}`);
    assert.equal(got.status, 200, await got.text());
  }
  const refused = await replica.set({ user_id: "ann" });
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).detail, /two histories/);
  const backup = await replica.backup();
  await backup.body?.cancel();
  assert.equal(backup.status, 200);
  const info = JSON.parse(backup.headers.get("backup-info")!);
  assert.deepEqual(
    { sequence: info.sequence, digest: info.digest },
    before,
  );
}

Deno.test({
  name:
    "a fuller replica that stood still while the others healed the log, and comes back before or after they have written past it, is forked: it gives gets and its backup, and disturbs nobody",
  // Below 2.10 nobody heals.
  ignore: !areServersNew(),
  fn: async () => {
    const failed =
      (await Promise.allSettled([1, 2 * MISSED].map(async (later) => {
        await using world = await HealWorld.start(1, 1);
        await world.explained(() => beLate(world, later));
      }))).find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  },
});

/** @param later How many sets the others acknowledge before it comes back. */
async function beLate(world: HealWorld, later: number): Promise<void> {
  const { brokers, replicas: [late] } = world;
  await using proxy = new TcpProxy(brokers.servers[0].port);
  const others = await Promise.all(
    [1, 2].map((index) =>
      world.startReplica(index, {
        NATS_URL: `nats://127.0.0.1:${proxy.port}`,
      })
    ),
  );
  await set(late, "ann");
  await world.agreement();
  await saveStores(brokers);
  await proxy.refuse();
  for (let i = 0; i < MISSED; i++) await set(late, `missed ${i}`);
  const { sequence, digest } = await viewOf(late);
  late.signal("SIGSTOP");

  await lose(brokers, "older copy");
  proxy.accept();
  await Promise.all(others.map((one) => one.untilReady("set")));
  for (let i = 0; i < later; i++) await set(others[0], `later ${i}`);
  late.signal("SIGCONT");
  await assertForked(late, { sequence, digest });

  for (const other of others) await set(other, "bob");
  const { users } = await world.agreement(others);
  assert.equal(users, 2 + later);
  // Its state was saved; started anew it is one of them.
  await late.end("SIGTERM");
  await world.startReplica(0);
  await world.agreement();
}
