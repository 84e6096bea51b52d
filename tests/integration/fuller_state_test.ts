import assert from "node:assert/strict";
import { connect } from "nats";
import { identityDescription } from "../../src/log/jetstream/log_identity.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { assertHeld, assertTwoLogs, set } from "./fuller_state.ts";

/** The log stays as it is: no replica makes it whole. */
const UNHEALED = { HEAL_AFTER_MS: "0" };

/** Waits until a replica says that the log has lost what it has applied. */
async function ahead(replica: ServiceProcess): Promise<void> {
  await replica.line(({ state }) => state === "ahead_of_log");
}

/** The streams of the broker, by name. */
async function streams(cluster: Cluster): Promise<string[]> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    const manager = await client.jetstreamManager();
    return (await manager.streams.list().next())
      .map(({ config }) => config.name);
  } finally {
    await client.close();
  }
}

async function deleteStream(
  cluster: Cluster,
  name = "USERGRADE",
): Promise<void> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    await (await client.jetstreamManager()).streams.delete(name);
  } finally {
    await client.close();
  }
}

/** Makes an empty stream with a log's identity. */
async function makeStream(cluster: Cluster, id: string): Promise<void> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    const { streams } = await client.jetstreamManager();
    await streams.add({
      name: "USERGRADE",
      subjects: ["usergrade.*.set.*"],
      description: identityDescription(id),
    });
  } finally {
    await client.close();
  }
}

/** Stops the broker and takes its store away. */
async function loseBroker(cluster: Cluster): Promise<void> {
  await cluster.broker.stop();
  cluster.broker.loseStore();
}

/** Two replicas; each test leaves them whole, but the last of them. */
let cluster: Cluster;

Deno.test.beforeAll(async () => {
  cluster = await Cluster.start(2, UNHEALED);
});

Deno.test.afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

Deno.test("where the broker lost its store, a replica makes no log while another holds the users, and NEW_LOG=yes begins anew", async () => {
  const [a, b] = cluster.replicas;
  await set(a, "ann");
  const { id } = await cluster.agreement();
  await loseBroker(cluster);
  await cluster.broker.start();
  await ahead(a);
  await b.end("SIGTERM");

  const peers = { ...UNHEALED, PEERS: a.url("set") };
  const reason = /holds 1 users at entry 1 of log \w+, and NATS has no such/;
  const held = cluster.spawnReplica(1, peers);
  await assertHeld(held, reason);
  assert.deepEqual(await streams(cluster), []);
  await held.end("SIGTERM");

  const anew = await cluster.startReplica(1, { ...peers, NEW_LOG: "yes" });
  const warning = anew.lines.find(({ message }) => /NEW_LOG=yes/.test(message));
  assert.equal(warning?.level, "WARN");
  assert.match(warning.message, reason);
  const made = anew.lines.find(({ message }) => /is new/.test(message));
  assert.equal(made?.level, "WARN");
  await set(anew, "bob");
  // Both say that there are two logs; nothing was taken from the other one.
  const { log } = await anew.statusJson();
  assert.notEqual(log.id, id);
  for (const [replica, follower] of [[a, "r1"], [anew, "r0"]] as const) {
    await assertTwoLogs(replica, `replica ${follower}`);
  }
  const metrics = await (await anew.get("/metrics")).text();
  assert.match(metrics, /^usergrade_start_held 0$/m);
  assert.equal((await a.get("/get?user_id=ann")).status, 200);

  // The state that was given up ends; a third replica then has nothing to fear.
  await a.end("SIGKILL");
  await cluster.startReplica(0, peers);
  assert.equal((await cluster.agreement()).users, 1);
});

Deno.test("where the store is an older copy, replicas that start take no set while another has applied more, with PEERS and without", async () => {
  const [a, b] = cluster.replicas;
  await set(a, "ann");
  const { users, sequence } = await cluster.agreement();
  await cluster.throughRestart(() => cluster.broker.saveStore());
  await set(a, "cid");
  await set(a, "dan");
  await cluster.agreement();
  await cluster.broker.stop("SIGTERM");
  await cluster.broker.copyStore("swap");
  await cluster.broker.start();
  await ahead(a);
  await b.end("SIGTERM");
  const held = [
    cluster.spawnReplica(1, { ...UNHEALED, PEERS: a.url("set") }),
    cluster.spawnReplica(2, UNHEALED),
  ];
  for (const one of held) {
    await assertHeld(
      one,
      new RegExp(
        `holds ${users + 2} users at entry ${
          sequence + 2
        } .* the log ends at entry ${sequence}`,
      ),
    );
  }

  // The right store is found, and the other replica is started anew.
  await cluster.broker.stop("SIGTERM");
  await cluster.broker.copyStore("swap");
  await cluster.broker.start();
  await a.end("SIGKILL");
  await cluster.startReplica(0, UNHEALED);
  for (const [i, one] of held.entries()) {
    await one.started();
    cluster.replicas[i + 1] = one;
    assert.ok(
      one.lines.some(({ message }) => /the start goes on/.test(message)),
    );
  }
  assert.equal((await cluster.agreement()).users, users + 2);
  await cluster.replicas.pop()!.end("SIGTERM");
});

Deno.test("where the stream was deleted, a replica that starts makes no other one, even when the one that holds the users falls silent", async () => {
  const [a, b] = cluster.replicas;
  await set(a, "ann");
  await cluster.agreement();
  await b.end("SIGTERM");
  await deleteStream(cluster);
  // At once: the other one may not even have noticed.
  const held = cluster.spawnReplica(1, UNHEALED);
  const reason = /replica r0 holds \d users .* NATS has no such stream/;
  await assertHeld(held, reason);
  await ahead(a);
  const rowOf = async (seenBy: ServiceProcess) => {
    const { replicas } = await (await seenBy.get("/cluster")).json();
    return replicas.find(({ self }: { self: boolean }) => !self);
  };
  await eventually(async () => {
    const { state, reason: told } = await rowOf(a);
    assert.equal(state, "starting");
    assert.match(told, reason);
  });

  await a.end("SIGKILL");
  await eventually(async () => assert.equal((await rowOf(held)).state, "gone"));
  await assertHeld(held, reason);
  assert.deepEqual(await streams(cluster), []);
  // What it held is lost for sure once it is started anew.
  const anew = await cluster.startReplica(0, UNHEALED);
  await held.started();
  cluster.replicas[1] = held;
  await set(anew, "bob");
  assert.equal((await cluster.agreement()).users, 1);
});

/** How a broker is set in these tests. */
const JETSTREAM = 'jetstream { store_dir: "STORE" }';

/** With it the bucket is there, and nobody answers what is in it. */
const UNANSWERED_BUCKET = `${JETSTREAM}
mappings { "$JS.API.STREAM.INFO.OBJ_USERGRADE-snapshots": nowhere }`;

/** Checks that a start makes no log before the bucket has said what is in it. */
async function assertBucketAwaited(cluster: Cluster): Promise<void> {
  const { broker } = cluster;
  await broker.stop("SIGTERM");
  broker.configure(UNANSWERED_BUCKET);
  await broker.start();
  const held = cluster.spawnReplica(0, UNHEALED);
  const unasked =
    /Cannot list the snapshots in the bucket .*NATS has no such stream.*all that is left/;
  await held.line(({ level, message }) =>
    level === "WARN" && unasked.test(message)
  );
  const probe = await fetch(`${held.url("set")}/readyz`);
  assert.equal(probe.status, 503);
  assert.match((await probe.json()).reason, unasked);
  assert.deepEqual(await streams(cluster), ["OBJ_USERGRADE-snapshots"]);
  await broker.stop("SIGTERM");
  broker.configure(JETSTREAM);
  await broker.start();
  await assertHeld(held, /the bucket .* holds 2 users/);
  await held.end("SIGTERM");
}

Deno.test("a start is held where only a snapshot in NATS or in SNAPSHOT_DIR has the users or ends beyond the log, or the bucket does not answer, and NEW_LOG=yes begins anew", async () => {
  using folder = new TemporaryFolder();
  const env = { ...UNHEALED, SNAPSHOT_DIR: `${folder.path}/snapshots` };
  await using cluster = await Cluster.start(1, env);
  const [first] = cluster.replicas;
  await set(first, "ann");
  await set(first, "bob");
  const { id } = await cluster.agreement();
  assert.equal((await first.snapshot()).status, 200);
  await first.end("SIGTERM");
  await deleteStream(cluster);
  await assertBucketAwaited(cluster);

  const stores = "the (bucket USERGRADE-snapshots|folder .*/snapshots)";
  const holds = `${stores} holds 2 users at entry 2 of log ${id}, and`;
  const gone = new RegExp(
    `${holds} NATS has no such stream.* save that snapshot`,
  );
  let held = cluster.spawnReplica(0, env);
  await assertHeld(held, gone);
  await held.end("SIGTERM");
  // The folder alone.
  await deleteStream(cluster, "OBJ_USERGRADE-snapshots");
  held = cluster.spawnReplica(0, env);
  await assertHeld(held, new RegExp(`the folder .*${gone.source.slice(-30)}`));
  await held.end("SIGTERM");
  // A log of the same identity that has lost its end.
  await makeStream(cluster, id);
  held = cluster.spawnReplica(0, env);
  await assertHeld(held, new RegExp(`${holds} the log ends at entry 0`));
  await held.end("SIGTERM");
  await deleteStream(cluster);

  const anew = await cluster.startReplica(0, { ...env, NEW_LOG: "yes" });
  await set(anew, "cid");
  await anew.end("SIGTERM");
  // The snapshots of the log that was given up hold nothing back any more.
  await cluster.startReplica(0, env);
  assert.equal((await cluster.agreement()).users, 1);
});

// The last one: its replicas are ahead of the log, and held.
Deno.test("a broker on an empty volume and a replica that start at once lose nothing to a race", async () => {
  const [a, b] = cluster.replicas;
  await set(a, "ann");
  await cluster.agreement();
  await loseBroker(cluster);
  await b.end("SIGTERM");
  const held = cluster.spawnReplica(1, UNHEALED);
  // It has tried, and NATS was not there.
  await held.line(({ message }) => /NATS does not answer/.test(message));
  await cluster.broker.start();
  await assertHeld(held, /replica r0 holds \d users/);
  assert.deepEqual(await streams(cluster), []);
});
