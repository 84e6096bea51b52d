import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type JetStreamManager } from "nats";
import { TcpProxy } from "../fault/tcp_proxy.ts";
import { Cluster } from "../support/cluster.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { set } from "./fuller_state.ts";

const STREAM = "USERGRADE";

/** Long enough for whoever waits for a sequence through a cut. */
const PATIENT = { COMMIT_TIMEOUT_MS: "30000" };

async function manage<T>(
  cluster: Cluster,
  use: (manager: JetStreamManager) => Promise<T>,
): Promise<T> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    return await use(await client.jetstreamManager());
  } finally {
    await client.close();
  }
}

/**
 * Suspends a replica and restarts the broker, so that nothing more is on its way
 * to it.
 */
async function suspend(cluster: Cluster, replica: ServiceProcess) {
  replica.signal("SIGSTOP");
  await cluster.throughRestart(async () => {
    await cluster.broker.stop();
    await cluster.broker.start();
  }, cluster.replicas.filter((one) => one !== replica));
}

/** Takes all entries before the last one. */
async function cut(cluster: Cluster): Promise<number> {
  return await manage(cluster, async (manager) => {
    const { state: { last_seq } } = await manager.streams.info(STREAM);
    await manager.streams.purge(STREAM, { seq: last_seq });
    return last_seq;
  });
}

/** How long a proxy holds each 16 KiB of what a replica catches up with. */
const CHUNK_DELAY_MS = 100;

/** The pause between two gets. */
const PAUSE_MS = 5;

/** Gets a user again and again, and checks that each get is answered. */
function keepGetting(replica: ServiceProcess, userId: string) {
  let isRunning = true;
  let count = 0;
  const running = (async () => {
    while (isRunning) {
      const response = await replica.get(`/get?user_id=${userId}`);
      assert.equal(response.status, 200, await response.text());
      count++;
      await sleep(PAUSE_MS);
    }
  })();
  // The test fails by its own error, if it does first.
  running.catch(() => {});
  return async () => {
    isRunning = false;
    await running;
    assert.ok(count > 0);
  };
}

/** Waits until a replica has gone on from a snapshot. */
async function wentOn(replica: ServiceProcess, from: RegExp): Promise<void> {
  const { account } = await replica.line(({ message }) =>
    message.startsWith("The log was cut; going on from a snapshot")
  );
  assert.match(String(account), from);
}

/** Checks that all are equal and take sets. */
async function assertWhole(cluster: Cluster): Promise<void> {
  for (const replica of cluster.replicas) {
    await replica.untilReady("set");
    await set(replica, "late");
  }
  await cluster.agreement();
}

async function readyz(replica: ServiceProcess, listener: "set" | "get") {
  const response = await fetch(`${replica.url(listener)}/readyz`);
  return { status: response.status, ...await response.json() };
}

Deno.test("a replica that was suspended while the log was cut beyond it goes on from a peer's snapshot, in its process", async () => {
  await using cluster = await Cluster.start(1);
  const [a] = cluster.replicas;
  await set(a, "early");
  const b = await cluster.startReplica(1, { PEERS: a.url("set") });
  await suspend(cluster, b);
  for (let i = 0; i < 20; i++) await set(a, `user ${i}`);
  await cut(cluster);
  b.signal("SIGCONT");
  const stop = keepGetting(b, "early");
  await wentOn(b, /^restored from http:.* at sequence 21$/);
  await assertWhole(cluster);
  await stop();
  assert.ok(b.lines.some(({ message }) => /No set can commit/.test(message)));
});

Deno.test("a replica that was cut off for long answers gets, and those who wait for a sequence that only the snapshot brings", async () => {
  await using cluster = await Cluster.start(1);
  const [a] = cluster.replicas;
  await set(a, "early");
  await using proxy = new TcpProxy(cluster.broker.port);
  const b = await cluster.startReplica(1, {
    ...PATIENT,
    NATS_URL: `nats://127.0.0.1:${proxy.port}`,
    PEERS: `http://127.0.0.1:1,${a.url("set")}`,
  });
  await proxy.refuse();
  await b.line(({ message }) => /connection to NATS is lost/.test(message));
  const stop = keepGetting(b, "early");
  for (let i = 0; i < 20; i++) await set(a, `user ${i}`);
  const sequence = await cut(cluster);
  const waiting = b.get(`/get?user_id=user+19&min_sequence=${sequence}`);
  proxy.accept();
  const answer = await waiting;
  assert.equal(answer.status, 200, await answer.text());
  assert.ok(Number(answer.headers.get("log-sequence")) >= sequence);
  await wentOn(
    b,
    /^restored from .* \(not from http:\/\/127.0.0.1:1\/: unreach/,
  );
  await assertWhole(cluster);
  await stop();
});

Deno.test("a cluster whose log lost all entries that its snapshot has, and went on, can be started again", async () => {
  await using cluster = await Cluster.start(0);
  // No other snapshot is made.
  const none = { SNAPSHOT_LOG_BYTES: "0" };
  const a = await cluster.startReplica(0, none);
  await set(a, "early");
  assert.equal((await a.snapshot()).status, 200);
  // As max_age takes them, while nobody sets.
  await manage(cluster, (manager) => manager.streams.purge(STREAM));
  await eventually(async () =>
    assert.equal((await a.statusJson()).log.first_sequence, 2)
  );
  await set(a, "late");
  await a.end("SIGKILL");
  const again = await cluster.startReplica(0, none);
  for (const id of ["early", "late"]) {
    assert.equal((await again.get(`/get?user_id=${id}`)).status, 200);
  }
});

Deno.test("without a snapshot beyond the cut a replica says what it needs, answers gets, and goes on once there is one", async () => {
  using folder = new TemporaryFolder();
  await using cluster = await Cluster.start(0);
  // It would make one as soon as the log lacks what no snapshot has.
  const none = { SNAPSHOT_LOG_BYTES: "0" };
  const a = await cluster.startReplica(0, none);
  await set(a, "early");
  const path = `${folder.path}/backup.csv.gz`;
  const old = await (await a.backup()).bytes();
  Deno.writeFileSync(path, old);
  const b = await cluster.startReplica(1, {
    ...none,
    PEERS: `file://${path}`,
  });
  await suspend(cluster, b);
  for (let i = 0; i < 3; i++) await set(a, `user ${i}`);
  await cut(cluster);
  b.signal("SIGCONT");
  await eventually(async () => {
    const { status, state, reason, percent } = await readyz(b, "set");
    assert.deepEqual([status, state, percent], [503, "ready", 0]);
    assert.match(
      reason,
      /begins with entry 4 now, .* needs entry 2.*; no snapshot that includes entry 2 can be had \(.*backup.csv.gz: too old for this replica; .*\): .*PEERS/,
    );
  });
  const refused = await b.set({ user_id: "x" });
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).detail, /no snapshot .* entry 2/);
  assert.equal((await readyz(b, "get")).status, 200);
  assert.equal((await b.get("/get?user_id=early")).status, 200);
  assert.equal((await b.get("/get?user_id=user+1")).status, 404);
  const backup = await a.backup();
  Deno.writeFileSync(`${path}.new`, await backup.bytes());
  Deno.renameSync(`${path}.new`, path);
  await wentOn(b, /^restored from file:/);
  await assertWhole(cluster);
});

Deno.test("a replica goes on from a snapshot when an entry that it needs was deleted", async () => {
  await using cluster = await Cluster.start(0);
  // A stream that a replica makes does not let entries be deleted.
  await manage(
    cluster,
    (manager) =>
      manager.streams.add({ name: STREAM, subjects: ["usergrade.*.set.*"] }),
  );
  const a = await cluster.startReplica(0);
  await set(a, "early");
  const b = await cluster.startReplica(1, { PEERS: a.url("set") });
  await suspend(cluster, b);
  for (let i = 0; i < 5; i++) await set(a, `user ${i}`);
  await manage(cluster, (manager) => manager.streams.deleteMessage(STREAM, 4));
  b.signal("SIGCONT");
  await wentOn(b, /^restored from http/);
  await assertWhole(cluster);
});

Deno.test("a replica goes on from a snapshot when the log is cut beyond it while it catches up", async () => {
  using folder = new TemporaryFolder();
  await using cluster = await Cluster.start(1);
  const [a] = cluster.replicas;
  const rows = Array.from({ length: 30_000 }, (_, i) => `user-${i},${i}`);
  const imported = await fetch(`${a.url("set")}/import`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: `user_id,spp\n${rows.join("\n")}\n`,
  });
  assert.equal(imported.status, 200, await imported.text());
  await using proxy = new TcpProxy(cluster.broker.port);
  // So slowly that it still catches up when it is looked at.
  proxy.weather = { type: "delay", delay_ms: CHUNK_DELAY_MS };
  const path = `${folder.path}/backup.csv.gz`;
  const b = cluster.spawnReplica(1, {
    NATS_URL: `nats://127.0.0.1:${proxy.port}`,
    PEERS: `file://${path}`,
  });
  await b.line(({ state }) => state === "catching_up");
  proxy.weather = { type: "stall" };
  const { log } = await b.statusJson();
  assert.ok(log.applied_sequence < log.last_sequence);
  await set(a, "later");
  await cut(cluster);
  Deno.writeFileSync(path, await (await a.backup()).bytes());
  proxy.cut();
  proxy.weather = { type: "fair" };
  await wentOn(b, /^restored from file:/);
  assert.ok(
    !b.lines.some(({ message, state }) =>
      state === "ready" && /applied/.test(message)
    ),
  );
  cluster.replicas.push(b);
  await assertWhole(cluster);
});
