import assert from "node:assert/strict";
import { lose, type Loss, saveStores } from "../fault/broker_loss.ts";
import { brokerConfiguration, Brokers } from "../fault/brokers.ts";
import {
  HEALING_SUBJECTS,
  leastPrivileges,
} from "../support/least_privileges.ts";
import { eventually } from "../support/eventually.ts";
import { areServersNew } from "../support/nats_server.ts";
import { set } from "./fuller_state.ts";
import { HealWorld } from "./heal_world.ts";

const [FENCE, CREATE] = HEALING_SUBJECTS;
const PURGE = "$JS.API.STREAM.PURGE.USERGRADE";

/** Lines of a configuration in which a replica may not publish to something. */
function users(denied?: string): string {
  const privileges = leastPrivileges("r1", HEALING_SUBJECTS).split("\n")
    .filter((line) => denied === undefined || !line.includes(`"${denied}"`));
  return `authorization { users = [
    { user: "admin", password: "admin" }
    { user: "r1", password: "r1", ${privileges.join("\n")} }
  ] }`;
}

/** Starts a broker with one replica, which has the least permissions. */
async function start(): Promise<HealWorld> {
  const brokers = await Brokers.start(1, users(), {
    user: "admin",
    pass: "admin",
  });
  const world = HealWorld.of(brokers);
  // Stream and bucket are made once, by someone who may.
  const creator = await world.startReplica(0, {
    NATS_USER: "admin",
    NATS_PASSWORD: "admin",
  });
  await set(creator, "ann");
  assert.equal((await creator.snapshot()).status, 200);
  await creator.end("SIGTERM");
  const replica = await world.startReplica(1, {
    NATS_USER: "r1",
    NATS_PASSWORD: "r1",
  });
  await set(replica, "ann");
  return world;
}

/** Loses something that the replica has applied. */
async function loseSets({ brokers, replicas }: HealWorld, loss: Loss) {
  await saveStores(brokers);
  await set(replicas[1], "bob");
  await lose(brokers, loss);
}

// Below 2.10 nobody heals.
const ignore = !areServersNew();

Deno.test({
  name:
    "the permissions that OPERATIONS.md lists are enough to heal a log, and to make stream and bucket again",
  ignore,
  fn: async () => {
    await using world = await start();
    const [, replica] = world.replicas;
    await world.explained(async () => {
      for (const loss of ["older copy", "stores"] as const) {
        await loseSets(world, loss);
        await replica.untilReady("set");
        await set(replica, "cid");
      }
      const got = await replica.get("/get?user_id=bob");
      assert.equal(got.status, 200, await got.text());
    });
  },
});

/** What is missing at a time, and for what. */
const CASES: readonly [denied: string, loss: Loss][] = [
  [FENCE, "older copy"],
  [PURGE, "older copy"],
  [CREATE, "stores"],
];

Deno.test({
  name:
    "a replica that lacks a permission for healing says which, and heals the log when it has got it",
  ignore,
  fn: async () => {
    await using world = await start();
    await world.explained(async () => {
      for (const [denied, loss] of CASES) await healLate(world, denied, loss);
    });
  },
});

async function healLate(
  world: HealWorld,
  denied: string,
  loss: Loss,
): Promise<void> {
  const { brokers: { servers: [server] }, replicas: [, replica] } = world;
  await server.reload(brokerConfiguration(users(denied)));
  // Else it may know of the reload only after the loss.
  await replica.untilReady("set");
  await loseSets(world, loss);
  const told = await replica.line(({ message }) =>
    message.startsWith("The log is not healed by this replica") &&
    message.includes(denied)
  );
  assert.equal(told.level, "WARN");
  await eventually(async () => {
    const probe = await fetch(`${replica.url("set")}/readyz`);
    const { state, reason } = await probe.json();
    assert.equal(probe.status, 503);
    // Where the fence is written, others may finish the healing.
    assert.equal(state, denied === PURGE ? "healing" : "ahead_of_log");
    assert.ok(reason.includes(denied), reason);
  });
  await server.reload(brokerConfiguration(users()));
  await replica.untilReady("set");
  await set(replica, "cid");
}
