import assert from "node:assert/strict";
import { connect } from "nats";
import { heartbeat } from "../cluster/heartbeats.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service_process.ts";

async function clusterOf(replica: ServiceProcess) {
  return await (await replica.get("/cluster")).json();
}

async function dropped(replica: ServiceProcess): Promise<number> {
  const text = await (await replica.get("/metrics")).text();
  return Number(
    /^usergrade_announcements_dropped_total (\d+)$/m.exec(text)![1],
  );
}

/** Two replicas, for all tests. */
let cluster: Cluster;

Deno.test.beforeAll(async () => {
  cluster = await Cluster.start(2);
});

Deno.test.afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

Deno.test("replicas see each other again after the broker was away", async () => {
  const [r0, r1] = cluster.replicas;
  const heard = async () => {
    const { replicas } = await clusterOf(r0);
    return replicas.find((one: { self: boolean }) => !one.self);
  };
  // Both are empty, so they are equal.
  await eventually(async () => assert.equal((await heard()).equal, true));
  await (await r1.set({ user_id: "ann" })).body?.cancel();
  await eventually(async () => assert.equal((await heard()).compared_at, 1));
  await cluster.broker.stop();
  await eventually(async () => assert.equal((await heard()).state, "unknown"));
  await cluster.broker.start();
  await eventually(async () => {
    const { state, equal, heard_ms_ago } = await heard();
    assert.deepEqual([state, equal], ["ready", true]);
    assert.ok(heard_ms_ago < 3_000);
  });
});

Deno.test("foreign heartbeats are dropped and counted, and neither many nor large ones do harm", async () => {
  const [r0] = cluster.replicas;
  const client = await connect({ servers: cluster.broker.url });
  try {
    const send = (id: string, value: unknown) =>
      client.publish(
        `usergrade-replicas.${id}`,
        typeof value === "string" ? value : JSON.stringify(value),
      );
    send("x", "not JSON");
    send("x", heartbeat("y"));
    send("x", "x".repeat(500_000));
    send("<b>", heartbeat("<b>"));
    send("x", { ...heartbeat("x"), users: "many" });
    await eventually(async () => assert.ok(await dropped(r0) >= 5));
    // As fast as possible, from more replicas than the limit.
    for (let i = 0; i < 5_000; i++) {
      send(`flood${i % 1000}`, heartbeat(`flood${i % 1000}`));
    }
    await client.flush();
    await eventually(async () => assert.ok(await dropped(r0) > 3_500));
    const flooded_ms = performance.now();
    // The next heartbeat of a replica that is known gets through.
    const known = await eventually(async () => {
      const { replicas } = await clusterOf(r0);
      assert.ok(replicas.length <= 65);
      const row = replicas.find((one: { replica_id: string }) =>
        one.replica_id === "r1"
      );
      assert.ok(row.heard_ms_ago < performance.now() - flooded_ms);
      return row;
    });
    assert.equal(known.state, "ready");
    const response = await r0.set({ user_id: "ann" });
    assert.equal(response.status, 200, await response.text());
    await cluster.agreement();
  } finally {
    await client.close();
  }
});

Deno.test("a replica that stops tells the others before it is gone", async () => {
  const [r0, r1] = cluster.replicas;
  const stateOfR1 = async () => {
    const { replicas } = await clusterOf(r0);
    return replicas.find((one: { replica_id: string }) =>
      one.replica_id === "r1"
    )?.state;
  };
  await eventually(async () => assert.equal(await stateOfR1(), "ready"));
  // It has nothing to wait for, and ends before the next heartbeat is due.
  await r1.end("SIGTERM");
  await eventually(async () => assert.equal(await stateOfR1(), "draining"));
});

// The last one: it leaves one id to two replicas.
Deno.test("two replicas with the same REPLICA_ID log an error", async () => {
  const twin = await cluster.startReplica(1, { REPLICA_ID: "r0" });
  const [r0] = cluster.replicas;
  for (const replica of [r0, twin]) {
    await replica.line(({ level, message }) =>
      level === "ERROR" && /Another replica runs with REPLICA_ID/.test(message)
    );
  }
});
