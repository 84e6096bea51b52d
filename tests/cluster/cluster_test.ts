import assert from "node:assert/strict";
import { Cluster } from "../../src/cluster/cluster.ts";
import {
  encodeHeartbeat,
  HEARTBEAT_HEARS_MAX,
  parseHeartbeat,
} from "../../src/cluster/heartbeat.ts";
import { GONE_AFTER_MS } from "../../src/cluster/members.ts";
import { heartbeat, localReplica } from "./heartbeats.ts";

const permissions = "none";

/** The cluster as replica `a` sees it. */
function clusterOfA() {
  const sent: boolean[] = [];
  const told: (string[] | undefined)[] = [];
  const replica = localReplica();
  const cluster = new Cluster(
    { replicaId: "a", version: "1.3.0", session: "a".repeat(32) },
    replica,
    {
      sendHeartbeat: ({ sure, admitted }) => {
        sent.push(parseHeartbeat("a", sure).asks === true);
        told.push(admitted && parseHeartbeat("a", admitted).hears);
      },
      heard: () => {},
    },
  );
  const hear = (
    id: string,
    now_ms: number,
    others: Parameters<typeof heartbeat>[1] = {},
  ) => cluster.heard(id, encodeHeartbeat(heartbeat(id, others)), now_ms);
  return { cluster, hear, sent, told, replica };
}

Deno.test("a new connection asks who is there, and whoever asks is answered", {
  permissions,
}, () => {
  const { cluster, hear, sent } = clusterOfA();
  cluster.joined(0);
  assert.deepEqual(sent, [true]);
  hear("b", 1_000);
  assert.deepEqual(sent, [true, false]);
  // It is known, and does not ask.
  hear("b", 1_200);
  assert.equal(sent.length, 2);
  hear("b", 1_400, { asks: true });
  assert.deepEqual(sent, [true, false, false]);
});

Deno.test(
  "a replica that takes sets names those that are there and have a state",
  { permissions },
  () => {
    const { cluster, hear, told, replica } = clusterOfA();
    hear("gone", 0);
    const now_ms = GONE_AFTER_MS + 1;
    hear("b", now_ms, { state: "catching_up" });
    hear("c", now_ms);
    hear("empty", now_ms, { state: "starting" });
    hear("filling", now_ms, { state: "restoring" });
    hear("leaving", now_ms, { state: "draining" });
    cluster.joined(now_ms);
    assert.deepEqual(told.at(-1), ["b", "c"]);
    replica.writable = false;
    cluster.joined(now_ms);
    assert.equal(told.at(-1), undefined);
    // Not some of them, since the others would not be awaited then.
    replica.writable = true;
    for (let i = 0; i < HEARTBEAT_HEARS_MAX; i++) hear(`more${i}`, now_ms);
    cluster.joined(now_ms);
    assert.equal(told.at(-1), undefined);
  },
);

Deno.test(
  "the others are those that are heard over the connection there is; who is missing is awaited",
  {
    permissions,
  },
  () => {
    const { cluster, hear } = clusterOfA();
    const ids = (now_ms: number) => cluster.others(now_ms).map(({ id }) => id);
    cluster.joined(0);
    for (const id of ["c", "b"]) hear(id, 1_000);
    hear("leaves", 1_000, { state: "draining" });
    assert.deepEqual(ids(1_000), ["b", "c", "leaves"]);
    assert.deepEqual(cluster.awaited(1_000), []);
    assert.ok(cluster.hasHeardAll(1_000));

    cluster.left(2_000);
    assert.deepEqual(ids(2_000), []);
    assert.deepEqual(cluster.awaited(5_000), ["b", "c"]);
    cluster.joined(5_000);
    hear("b", 5_010, { heals: 1, healed_to: 7, state: "healing" });
    assert.deepEqual(ids(5_010), ["b"]);
    assert.deepEqual(cluster.awaited(5_010), ["c"]);
    assert.ok(!cluster.hasHeardAll(5_010));
    const [{ heals, healedTo, state, heardAgo_ms }] = cluster.others(5_020);
    assert.deepEqual([heals, healedTo, state, heardAgo_ms], [
      1,
      7,
      "healing",
      10,
    ]);
    assert.deepEqual(cluster.awaited(5_000 + GONE_AFTER_MS + 1), []);
    assert.ok(cluster.hasHeardAll(5_000 + GONE_AFTER_MS + 1));
  },
);

Deno.test("all are heard anew on the connection there is, once it has served", {
  permissions,
}, () => {
  const { cluster, hear, sent } = clusterOfA();
  cluster.joined(0);
  hear("b", 10);
  cluster.hearAll(400);
  assert.ok(cluster.hasHeardAll(400));
  assert.equal(sent.filter((asks) => asks).length, 1);
  cluster.hearAll(5_000);
  assert.equal(sent.filter((asks) => asks).length, 2);
  assert.deepEqual(cluster.awaited(5_000), ["b"]);
  assert.equal(cluster.others(5_000).length, 1);
  hear("b", 5_010);
  assert.ok(cluster.hasHeardAll(5_010));
});

Deno.test("where NATS lets nobody be heard, nobody is awaited", {
  permissions,
}, () => {
  const { cluster, hear } = clusterOfA();
  cluster.joined(0);
  hear("b", 10);
  cluster.left(20);
  cluster.joined(30);
  assert.ok(!cluster.hasHeardAll(1_000));
  cluster.off("NATS does not allow to subscribe");
  assert.ok(cluster.hasHeardAll(1_000));
  assert.deepEqual(cluster.awaited(1_000), []);
});

Deno.test(
  "a cluster that NATS lets be heard again asks who is there, and waits for those that were",
  {
    permissions,
  },
  () => {
    const { cluster, hear, sent } = clusterOfA();
    cluster.joined(0);
    hear("b", 10);
    cluster.off("NATS does not allow to publish");
    assert.ok(cluster.isOff);
    sent.length = 0;
    cluster.on(5_000);
    assert.ok(!cluster.isOff);
    assert.equal(cluster.view(5_000).presence, "on");
    assert.deepEqual(sent, [true]);
    assert.deepEqual(cluster.awaited(5_000), ["b"]);
    assert.ok(!cluster.hasHeardAll(5_000));
    hear("b", 5_010);
    assert.ok(cluster.hasHeardAll(5_010));
  },
);
