import assert from "node:assert/strict";
import { encodeHeartbeat } from "../../../src/cluster/heartbeat.ts";
import { heartbeat } from "../../cluster/heartbeats.ts";
import { LOCAL_LOG_ID } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";

Deno.test("a standalone replica lists only itself in /cluster", async () => {
  const service = new LocalService();
  await service.set({ user_id: "ann" });
  const { presence, diverged, replicas } = await (await service.get("/cluster"))
    .json();
  assert.deepEqual([presence, diverged, replicas.length], [
    "standalone",
    false,
    1,
  ]);
  assert.equal(replicas[0].equal, null);
  assert.equal(replicas[0].applied_sequence, 1);
  assert.equal(replicas[0].self, true);
});

Deno.test("GET /cluster has a row for each replica, in the order of their ids", async () => {
  const service = new LocalService();
  await service.set({ user_id: "ann" });
  const { digest } = service.log.proposer;
  const zoe = heartbeat("zoe", {
    state: "restoring",
    reason: "a base is restored",
    applied_sequence: 4,
    last_sequence: 10,
    users: 3,
    restore: { rows: 7, percent: 70 },
  });
  service.cluster.heard("zoe", encodeHeartbeat(zoe), service.now());
  const answer = await (await service.get("/cluster")).json();
  const [me, { heard_ms_ago, ...other }] = answer.replicas;
  assert.ok(heard_ms_ago >= 0);
  assert.deepEqual({ ...answer, replicas: [] }, {
    replica_id: "me",
    presence: "standalone",
    diverged: false,
    stands_alone: null,
    other_logs: [],
    replicas: [],
  });
  assert.deepEqual(me, {
    replica_id: "me",
    self: true,
    version: "1.0.0",
    state: "ready",
    reason: "all entries of the log are applied",
    connected: true,
    log_id: LOCAL_LOG_ID,
    applied_sequence: 1,
    last_sequence: 1,
    lag: 0,
    users: 1,
    digest,
    equal: null,
    compared_at: null,
    restore: null,
    heard_ms_ago: 0,
  });
  assert.deepEqual(other, {
    replica_id: "zoe",
    self: false,
    version: "1.0.0",
    state: "restoring",
    reason: "a base is restored",
    connected: null,
    log_id: LOCAL_LOG_ID,
    applied_sequence: 4,
    last_sequence: 10,
    lag: 6,
    users: 3,
    digest: zoe.digest,
    equal: null,
    compared_at: null,
    restore: { rows: 7, percent: 70 },
  });
  // An entry, and the time after which a silent replica is gone.
  await service.set({ user_id: "bob" });
  service.pass(60_000);
  const { replicas } = await (await service.get("/cluster")).json();
  assert.deepEqual(
    replicas.map((row: { state: string; restore: unknown }) => [
      row.state,
      row.restore,
    ]),
    [["ready", null], ["gone", null]],
  );
});

Deno.test("GET /cluster calls the others unknown, not gone, while they can't be heard, until they had time to answer", async () => {
  const service = new LocalService({ isReplicated: true });
  const rows = async () => {
    const { replicas } = await (await service.get("/cluster")).json();
    return replicas.map((
      { replica_id, state }: { replica_id: string; state: string },
    ) => `${replica_id} ${state}`);
  };
  const hear = (id: string) =>
    service.cluster.heard(id, encodeHeartbeat(heartbeat(id)), service.now());
  service.cluster.joined(service.now());
  hear("b");
  hear("c");
  assert.deepEqual(await rows(), ["b ready", "c ready", "me ready"]);
  service.cluster.left(service.now());
  service.pass(60_000);
  assert.deepEqual(await rows(), ["b unknown", "c unknown", "me ready"]);
  service.cluster.joined(service.now());
  hear("b");
  assert.deepEqual(await rows(), ["b ready", "c unknown", "me ready"]);
  service.pass(11_000);
  assert.deepEqual(await rows(), ["b gone", "c gone", "me ready"]);
});

Deno.test("GET /cluster calls the others unknown while the log does not answer and nobody is heard", async () => {
  const service = new LocalService({ isReplicated: true });
  const rows = async () => {
    const { replicas } = await (await service.get("/cluster")).json();
    return replicas.map((row: { replica_id: string; state: string }) =>
      `${row.replica_id} ${row.state}`
    );
  };
  const hear = (id: string) =>
    service.cluster.heard(id, encodeHeartbeat(heartbeat(id)), service.now());
  service.cluster.joined(service.now());
  for (const id of ["b", "c"]) hear(id);
  // NATS hangs, which the connection notices only after 15 s.
  service.log.proposer.logStatusChanged({ state: "away", reason: "silent" });
  assert.deepEqual(await rows(), ["b ready", "c ready", "me ready"]);
  service.pass(11_000);
  assert.deepEqual(await rows(), ["b unknown", "c unknown", "me ready"]);
  hear("b");
  assert.deepEqual(await rows(), ["b ready", "c gone", "me ready"]);
});
