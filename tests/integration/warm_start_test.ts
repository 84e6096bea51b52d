import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { backupOf, storageOf } from "../support/backup_bytes.ts";
import { Cluster } from "../support/cluster.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Imports users into a replica. */
async function fill(replica: ServiceProcess, count: number): Promise<void> {
  const storage = storageOf(Array.from({ length: count }, (_, i) => ({
    user_id: `user-${i}`,
    postpaid_limit: i,
    spp: i % 7,
    shipping_fee: 100,
    return_fee: 200,
  })));
  const response = await fetch(`${replica.url("set")}/import`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: await backupOf(storage),
  });
  assert.equal(response.status, 200, await response.text());
}

async function download(replica: ServiceProcess) {
  const response = await fetch(`${replica.url("set")}/backup`, {
    headers: { authorization: AUTHORIZATION },
  });
  return await response.bytes();
}

/** Takes all entries but the newest from the cluster's stream. */
async function purge(cluster: Cluster): Promise<void> {
  const client = await connect({ servers: cluster.broker.url });
  const manager = await client.jetstreamManager();
  await manager.streams.purge("USERGRADE", { keep: 1 });
  await client.close();
}

/** The pause of a client between two sets. */
const PAUSE_MS = 25;

/** Sets at random until it is stopped; resolves to how many were acknowledged. */
function load(replica: ServiceProcess): () => Promise<number> {
  let running = true;
  let acknowledged = 0;
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let i = 0; running; i++) {
      const response = await replica.set({
        user_id: `user-${(client * 7919 + i * 31) % 20_000}`,
        spp: i,
      });
      await response.body?.cancel();
      if (response.status === 200) acknowledged++;
      await sleep(PAUSE_MS);
    }
  });
  return async () => {
    running = false;
    await Promise.all(clients);
    return acknowledged;
  };
}

function says(replica: ServiceProcess, text: RegExp): boolean {
  return replica.lines.some(({ message }) => text.test(message));
}

/** The characters that Windows-1252 has in the place of some control codes. */
const WINDOWS_1252 = new Map(
  Array.from({ length: 32 }, (_, i) => [
    new TextDecoder("latin1").decode(new Uint8Array([0x80 + i])).charCodeAt(0),
    0x80 + i,
  ]),
);

/**
 * The broker keeps no snapshot, so that peers and files are all there is, and a
 * log that has lost entries stays as it is.
 */
const PEERS_ALONE = { SNAPSHOT_LOG_BYTES: "0", HEAL_AFTER_MS: "0" };

/** One replica, and others that the tests start beside it. */
let cluster: Cluster;

Deno.test.beforeAll(async () => {
  cluster = await Cluster.start(1, PEERS_ALONE);
});

Deno.test.afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

/** Ends all replicas but the first. */
async function leaveOne(): Promise<void> {
  const others = cluster.replicas.splice(1);
  await Promise.all(others.map((replica) => replica.end("SIGTERM")));
}

Deno.test("peers are tried in order, each with its reason, and a file serves too", async () => {
  using folder = new TemporaryFolder();
  const [donor] = cluster.replicas;
  await fill(donor, 5_000);
  const backup = await download(donor);
  const file = (name: string, bytes: Uint8Array) => {
    Deno.writeFileSync(`${folder.path}/${name}`, bytes);
    return `file://${folder.path}/${name}`;
  };
  const good = file("good.csv.gz", backup);
  const cut = file("cut.csv.gz", backup.slice(0, backup.length - 9));
  const plain = file("plain.csv", new TextEncoder().encode("user_id,"));
  const lied = new TextDecoder("latin1").decode(backup);
  const lie = (from: RegExp, to: string) => {
    const text = lied.replace(from, to);
    assert.notEqual(text, lied);
    return Uint8Array.from(text, (character) => {
      // Latin-1 as `TextDecoder` reads it is Windows-1252: undo that.
      const code = character.charCodeAt(0);
      return code < 256 ? code : WINDOWS_1252.get(code)!;
    });
  };
  const rows = file("rows.csv.gz", lie(/"rows":5000/, '"rows":4999'));
  const digest = file(
    "digest.csv.gz",
    lie(/"digest":"\w{16}"/, '"digest":"0123456789abcdef"'),
  );
  const other = file("other.csv.gz", lie(/"log_id":"..../, '"log_id":"0000'));
  await using elsewhere = await Cluster.start(1);
  const replica = await cluster.startReplica(1, {
    ...PEERS_ALONE,
    PEERS: [
      "http://127.0.0.1:1",
      donor.url("set").replace("//", "//nobody:s3cr3t@"),
      `file://${folder.path}/nope.csv.gz`,
      elsewhere.replicas[0].url("set"),
      cut,
      plain,
      rows,
      digest,
      other,
      good,
    ].join(),
  });
  const reasons = replica.lines.map(({ message }) => message)
    .filter((message) => message.startsWith("Snapshot from "));
  const expected = [
    /unreachable/,
    /refused: 401/,
    /unreachable/,
    /of another log/,
    /damaged or cut short/,
    /damaged: .*it is not gzip/,
    /damaged: it has .* rows and says 4999/,
    /damaged: its digest is \w+ and it says 0123456789abcdef/,
    /of another log/,
    /ok, 5000 users/,
  ];
  assert.equal(reasons.length, expected.length, reasons.join("\n"));
  for (const [i, reason] of reasons.entries()) {
    assert.match(reason, expected[i]);
  }
  assert.ok(!JSON.stringify(replica.lines).includes("s3cr3t"));
  await cluster.agreement();
});

Deno.test("a cluster recovers when all replicas are stopped and started at once", async () => {
  await leaveOne();
  await Promise.all([1, 2].map((i) => cluster.startReplica(i, PEERS_ALONE)));
  const before = await cluster.agreement();
  const addresses = cluster.replicas.map((replica) => replica.url("set"));
  await Promise.all(cluster.replicas.map((replica) => replica.end("SIGTERM")));
  await Promise.all(
    [0, 1, 2].map((i) =>
      cluster.startReplica(i, { ...PEERS_ALONE, PEERS: addresses.join() })
    ),
  );
  assert.deepEqual(await cluster.agreement(), before);
});

// From here on the log lacks its first entries.
Deno.test("without any snapshot a replica is not ready, says why and tries again", async () => {
  await leaveOne();
  const [donor] = cluster.replicas;
  for (let i = 0; i < 3; i++) {
    await (await donor.set({ user_id: `later ${i}` })).body?.cancel();
  }
  const { sequence, users } = await cluster.agreement();
  await purge(cluster);
  using folder = new TemporaryFolder();
  const path = `${folder.path}/backup.csv.gz`;
  const joining = cluster.startReplica(1, {
    ...PEERS_ALONE,
    PEERS: `file://${path}`,
  });
  await eventually(async () => {
    const replica = cluster.spawned(1)!;
    const probe = await fetch(`${replica.url("get")}/readyz`);
    const { state, reason } = await probe.json();
    assert.equal(probe.status, 503);
    assert.equal(state, "restoring");
    assert.match(
      reason,
      new RegExp(
        `the log begins with entry ${sequence}, and no snapshot can be had`,
      ),
    );
  });
  Deno.writeFileSync(path, await download(donor));
  await joining;
  assert.equal((await cluster.agreement()).users, users);
});

Deno.test("a snapshot that the log has moved on from, or that is of another history, is refused", async () => {
  using folder = new TemporaryFolder();
  await leaveOne();
  const [donor] = cluster.replicas;
  await (await donor.set({ user_id: "a" })).body?.cancel();
  const { sequence } = await cluster.agreement();
  const path = `${folder.path}/old.csv.gz`;
  Deno.writeFileSync(path, await download(donor));
  for (let i = 0; i < 3; i++) {
    await (await donor.set({ user_id: `${i}` })).body?.cancel();
  }
  await purge(cluster);
  const replica = await cluster.startReplica(1, {
    ...PEERS_ALONE,
    PEERS: [`file://${path}`, donor.url("set")].join(),
  });
  assert.ok(
    says(
      replica,
      new RegExp(
        `too old for the log: it ends at ${sequence}, the log begins at ${
          sequence + 3
        }`,
      ),
    ),
  );
  await cluster.agreement();
});

Deno.test("a replica that joins under a steady load of sets is equal to its donor", async () => {
  await leaveOne();
  await fill(cluster.replicas[0], 20_000);
  const { users } = await cluster.agreement();
  await purge(cluster);
  const stop = load(cluster.replicas[0]);
  for (const index of [1, 2]) {
    await cluster.startReplica(index, {
      ...PEERS_ALONE,
      PEERS: cluster.replicas[0].url("set"),
    });
    assert.ok(
      says(
        cluster.replicas[index],
        new RegExp(`Snapshot from .*: ok, ${users} users`),
      ),
    );
  }
  assert.ok(await stop() > 100);
  assert.equal((await cluster.agreement()).users, users);
});

/** Passes most of a donor's backup on, and the rest never: it dies before. */
function dyingWay(donor: ServiceProcess): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ url, headers }) => {
      const answer = await fetch(
        new URL(new URL(url).pathname, donor.url("set")),
        { headers },
      );
      const bytes = await answer.bytes();
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(bytes.subarray(0, bytes.length * 3 / 4));
          await donor.status;
          controller.error(new Error("the donor is gone"));
        },
      });
      return new Response(body, answer);
    },
  );
}

Deno.test("when a donor dies half-way, the replica restores from the next one from scratch; meanwhile its probes answer, and gets and sets get 503", async () => {
  await cluster.replicas.pop()!.end("SIGTERM");
  const [first, second] = cluster.replicas;
  const before = await cluster.agreement();
  await using way = dyingWay(first);
  const joining = cluster.startReplica(2, {
    ...PEERS_ALONE,
    PEERS: [`http://127.0.0.1:${way.addr.port}`, second.url("set")].join(),
  });
  const replica = cluster.spawned(2)!;
  await replica.line(({ listener }) => listener === "get");
  await eventually(async () => {
    const probe = await fetch(`${replica.url("get")}/readyz`);
    const { state, rows, percent, reason } = await probe.json();
    assert.equal(probe.status, 503);
    assert.equal(state, "restoring");
    assert.ok(rows > 0 && rows < before.users, `${rows} rows`);
    assert.ok(percent > 0 && percent < 100, `${percent} %`);
    assert.match(reason, /restoring from http/);
  });
  const health = await fetch(`${replica.url("set")}/healthz`);
  await health.body?.cancel();
  assert.equal(health.status, 200);
  for (
    const response of [
      await replica.get("/get?user_id=user-1"),
      await replica.set({ user_id: "x" }),
      await replica.backup(),
    ]
  ) {
    await response.body?.cancel();
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "1");
  }
  await first.end("SIGKILL");
  await joining;
  assert.ok(
    says(replica, /Snapshot from .*: "?(broke off|damaged)/),
    replica.lines.map(({ message }) => message).join("\n"),
  );
  cluster.replicas.shift();
  assert.deepEqual(await cluster.agreement(), before);
});

Deno.test("when the broker is lost with its disk, the backup of a replica that is ahead is imported into a new one", async () => {
  const [a] = cluster.replicas;
  const before = await cluster.agreement();
  await cluster.broker.stop();
  cluster.broker.loseStore();
  await cluster.broker.start();
  await a.line(({ state, level }) =>
    state === "ahead_of_log" && level === "ERROR"
  );
  const backup = await download(a);
  await Promise.all(cluster.replicas.map((replica) => replica.end("SIGTERM")));
  await Promise.all([0, 1].map((index) => cluster.startReplica(index)));
  const response = await fetch(`${cluster.replicas[0].url("set")}/import`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: backup,
  });
  assert.equal(response.status, 200);
  assert.equal((await response.json()).rows, before.users);
  const after = await cluster.agreement();
  assert.equal(after.digest, before.digest);
  assert.notEqual(after.id, before.id);
});
