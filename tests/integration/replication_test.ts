import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { decodeEntry } from "../../src/log/change.ts";
import { Storage } from "../../src/storage/storage.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { newSeed, Random } from "../support/random.ts";
import { randomPatch } from "../support/random_patch.ts";
import type { ServiceProcess } from "../support/service_process.ts";

/** Publishes raw bytes to the cluster's stream, as a stranger could. */
async function publish(
  cluster: Cluster,
  messages: [subject: string, data: string | Uint8Array][],
): Promise<number> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    let last = 0;
    for (const [subject, data] of messages) {
      last = (await client.jetstream().publish(subject, data)).seq;
    }
    return last;
  } finally {
    await client.close();
  }
}

/** Every entry of the cluster's stream, applied in order by a model. */
async function modelOf(cluster: Cluster): Promise<Storage> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    const manager = await client.jetstreamManager();
    const { state } = await manager.streams.info("USERGRADE");
    const model = new Storage();
    for (let seq = 1; seq <= state.last_seq; seq++) {
      const { data } = await manager.streams.getMessage("USERGRADE", { seq });
      for (const patch of decodeEntry(data)) model.set(patch);
    }
    return model;
  } finally {
    await client.close();
  }
}

/** Three replicas, for all tests that do them no harm. */
let three: Cluster;

Deno.test.beforeAll(async () => {
  three = await Cluster.start(3);
});

Deno.test.afterAll(async () => {
  await three[Symbol.asyncDispose]();
});

Deno.test("three replicas are equal after conflicting partial sets from all sides, and no acknowledged set is missing", async () => {
  const random = new Random(newSeed());
  const users = Array.from({ length: 20 }, (_, i) => `user ${i}`);
  /** By user and field: each acknowledged value with its place in the log. */
  const acknowledged: { sequence: number; patch: Record<string, unknown> }[] =
    [];
  await Promise.all(
    Array.from({ length: 48 }, async (_, client) => {
      const replica = three.replicas[client % 3];
      for (let i = 0; i < 40; i++) {
        const patch = randomPatch(random, random.pick(users));
        const response = await replica.set(patch);
        assert.equal(response.status, 200);
        const grade = await response.json();
        for (const [field, value] of Object.entries(patch)) {
          assert.equal(grade[field], value, "an answer shows its own set");
        }
        acknowledged.push({
          sequence: Number(response.headers.get("log-sequence")),
          patch: { ...patch },
        });
      }
    }),
  );
  assert.equal(acknowledged.length, 48 * 40);
  const { digest, sequence, users: count } = await three.agreement();
  const model = await modelOf(three);
  assert.equal(digest, model.digest);
  assert.equal(count, model.size);
  assert.equal(
    sequence,
    Math.max(...acknowledged.map(({ sequence }) => sequence)),
  );
  for (const replica of three.replicas) {
    for (const id of users) {
      const got = await replica.get(`/get?user_id=${encodeURIComponent(id)}`);
      assert.deepEqual(await got.json(), model.get(id));
    }
  }
  // Each field's value is one that was set in the last entry that set it.
  for (const id of users) {
    const final = model.get(id) as unknown as Record<string, unknown>;
    for (const field of ["postpaid_limit", "spp", "shipping_fee"]) {
      const sets = acknowledged.filter(({ patch }) =>
        patch.user_id === id && patch[field] !== undefined
      );
      const last = Math.max(...sets.map(({ sequence }) => sequence));
      const candidates = sets.filter(({ sequence }) => sequence === last)
        .map(({ patch }) => patch[field]);
      if (sets.length > 0) assert.ok(candidates.includes(final[field]));
    }
  }
});

Deno.test("a client reads its own write through any replica with min_sequence", async () => {
  for (let i = 0; i < 60; i++) {
    const writer = three.replicas[i % 3];
    const response = await writer.set({ user_id: "a", spp: i });
    const sequence = response.headers.get("log-sequence");
    await response.body?.cancel();
    for (const reader of three.replicas) {
      const got = await reader.get(`/get?user_id=a&min_sequence=${sequence}`);
      assert.equal(got.status, 200);
      assert.equal((await got.json()).spp, i);
    }
  }
});

Deno.test("a replica that starts late or again restores from the log", async () => {
  const { users } = await three.agreement();
  for (let i = 0; i < 50; i++) {
    const response = await three.replicas[i % 2].set({ user_id: `${i}` });
    await response.body?.cancel();
  }
  await three.replicas[0].end("SIGKILL");
  await (await three.replicas[1].set({ user_id: "meanwhile" })).body?.cancel();
  // One that was there, and one that never was.
  await Promise.all([three.startReplica(0), three.startReplica(3)]);
  assert.equal((await three.agreement()).users, users + 51);
  const [late] = three.replicas.splice(3);
  await late.end("SIGTERM");
});

Deno.test("while the broker is away, gets go on and sets get 503 at once; afterwards the replica recovers by itself", async () => {
  const [a, b] = three.replicas;
  await (await a.set({ user_id: "a", spp: 1 })).body?.cancel();
  await three.agreement();
  for (const absence_ms of [100, 5_000]) {
    await three.broker.stop();
    for (const replica of three.replicas) {
      await eventually(async () => {
        const started = performance.now();
        const response = await replica.set({ user_id: "a", spp: 2 });
        const { detail } = await response.json();
        assert.equal(response.status, 503, detail);
        assert.equal(response.headers.get("retry-after"), "1");
        assert.ok(performance.now() - started < 1_000);
      }, 2_000);
      const got = await replica.get("/get?user_id=a");
      assert.equal((await got.json()).spp, 1);
      const ready = async (listener: "set" | "get") => {
        const probe = await fetch(`${replica.url(listener)}/readyz`);
        await probe.body?.cancel();
        return probe.status;
      };
      assert.equal(await ready("get"), 200);
      assert.equal(await ready("set"), 503);
      assert.equal((await replica.statusJson()).log.connected, false);
    }
    await sleep(absence_ms);
    await three.broker.start();
    for (const replica of three.replicas) await replica.untilReady("set");
    const response = await b.set({ user_id: "b", spp: absence_ms });
    assert.equal(response.status, 200);
    await response.body?.cancel();
    await three.agreement();
  }
});

/** How many entries a replica has logged that it skips. */
function skipped({ lines }: ServiceProcess): number {
  return lines.filter(({ message }) => /is skipped/.test(message)).length;
}

Deno.test("poison entries are skipped by all replicas alike, and logged once each", async () => {
  await (await three.replicas[0].set({ user_id: "a", spp: 1 })).body
    ?.cancel();
  const { users: before } = await three.agreement();
  const poison: [string, string | Uint8Array][] = [
    ["usergrade.v1.set.stranger", "not json"],
    ["usergrade.v1.set.stranger", ""],
    ["usergrade.v1.set.stranger", new Uint8Array([0xff, 0xfe])],
    ["usergrade.v1.set.stranger", "[]"],
    ["usergrade.v1.set.r0", '[{"user_id":"a","spp":2},{"user_id":""}]'],
    ["usergrade.nonsense.set.x", '{"user_id":"a"}'],
  ];
  await publish(three, poison);
  const last = await publish(three, [
    ["usergrade.v1.set.stranger", '[{"user_id":"new","spp":3}]'],
  ]);
  const { users, sequence } = await three.agreement();
  assert.equal(sequence, last);
  assert.equal(users, before + 1);
  for (const replica of three.replicas) {
    const got = await replica.get("/get?user_id=a");
    assert.equal((await got.json()).spp, 1);
    // The lines come a little later than the answers.
    await replica.line(() => skipped(replica) >= poison.length);
    assert.equal(skipped(replica), poison.length);
    assert.equal((await replica.set({ user_id: "c" })).status, 200);
  }
});

Deno.test("replicas that start before the broker wait for it and say so", async () => {
  await using cluster = await Cluster.start(0);
  await cluster.broker.stop();
  const starting = cluster.startReplica(0);
  await cluster.spawned(0)!.line(({ message }) =>
    /NATS does not answer/.test(message)
  );
  await cluster.broker.start();
  await starting;
});

Deno.test("the status follows the log's beginning when its limits take entries away", async () => {
  // Else it would make snapshots at once, and cut the log itself.
  await using cluster = await Cluster.start(1, { SNAPSHOT_LOG_BYTES: "0" });
  const [replica] = cluster.replicas;
  for (let i = 0; i < 5; i++) {
    await (await replica.set({ user_id: `${i}` })).body?.cancel();
  }
  const client = await connect({ servers: cluster.broker.url });
  const manager = await client.jetstreamManager();
  await manager.streams.purge("USERGRADE", { keep: 2 });
  await client.close();
  await eventually(async () =>
    assert.equal((await replica.statusJson()).log.first_sequence, 4)
  );
});

Deno.test("a replica that is ahead of the log logs an error, answers gets and refuses sets", async () => {
  await using cluster = await Cluster.start(1, { HEAL_AFTER_MS: "0" });
  const [replica] = cluster.replicas;
  await (await replica.set({ user_id: "a", spp: 1 })).body?.cancel();
  await cluster.broker.stop();
  cluster.broker.loseStore();
  await cluster.broker.start();
  await replica.line(({ level, state }) =>
    level === "ERROR" && state === "ahead_of_log"
  );
  assert.equal((await replica.statusJson()).state, "ahead_of_log");
  const got = await replica.get("/get?user_id=a");
  assert.equal((await got.json()).spp, 1);
  const set = await replica.set({ user_id: "a", spp: 2 });
  assert.equal(set.status, 503);
  await set.body?.cancel();
});

Deno.test("a stream with wrong settings is waited for at the start: both listeners say what is wrong until it is set right", async () => {
  await using cluster = await Cluster.start(0);
  const client = await connect({ servers: cluster.broker.url });
  const manager = await client.jetstreamManager();
  await manager.streams.add({ name: "USERGRADE", subjects: ["wrong.>"] });
  const starting = cluster.startReplica(0);
  await eventually(async () => {
    const replica = cluster.spawned(0)!;
    for (const listener of ["set", "get"] as const) {
      const response = await fetch(`${replica.url(listener)}/readyz`);
      const { reason } = await response.json();
      assert.equal(response.status, 503);
      assert.match(reason, /subjects are \[wrong\.>\] and should be/);
    }
  });
  const { config } = await manager.streams.info("USERGRADE");
  await manager.streams.update("USERGRADE", {
    ...config,
    subjects: ["usergrade.*.set.*"],
  });
  await client.close();
  await starting;
});

// The last one: afterwards the three replicas take no more entries.
Deno.test("an entry of a later version makes every replica not ready on both listeners", async () => {
  await publish(three, [["usergrade.v3.set.newer", "whatever"]]);
  for (const replica of three.replicas) {
    await eventually(async () =>
      assert.equal((await replica.statusJson()).state, "upgrade_required")
    );
    for (const listener of ["set", "get"] as const) {
      const probe = await fetch(`${replica.url(listener)}/readyz`);
      assert.equal(probe.status, 503);
      assert.equal((await probe.json()).state, "upgrade_required");
    }
    const got = await replica.get("/get?user_id=a");
    assert.equal(got.status, 503);
    await got.body?.cancel();
  }
});
