import assert from "node:assert/strict";
import { connect, type JetStreamManager } from "nats";
import { backupOf, storageOf } from "../support/backup_bytes.ts";
import { Cluster } from "../support/cluster.ts";
import { areServersNew } from "../support/nats_server.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { LOG_ID } from "../support/snapshots.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { assertHeld, set } from "./fuller_state.ts";

const GRADES = Array.from({ length: 3_000 }, (_, i) => ({
  user_id: `u${i}`,
  postpaid_limit: i,
  spp: -i,
  shipping_fee: 3,
  return_fee: 4,
}));

const STORAGE = storageOf(GRADES);

/** Before 2.10 a log can't be healed, and so none is made from a file. */
const isNew = areServersNew();

/** A broker without a stream, and a backup at sequence 120. */
class World implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly path = `${this.#folder.path}/backup.csv.gz`;

  private constructor(readonly cluster: Cluster) {}

  static async start(file?: Uint8Array): Promise<World> {
    const world = new World(await Cluster.start(0));
    Deno.writeFileSync(world.path, file ?? await backupOf(STORAGE));
    return world;
  }

  get env(): Record<string, string> {
    return { RESTORE_FROM: `file://${this.path}`, HEAL_AFTER_MS: "1000" };
  }

  async broker<T>(use: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const client = await connect({ servers: this.cluster.broker.url });
    try {
      return await use(await client.jetstreamManager());
    } finally {
      await client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** Waits until a replica says that it makes the log from a file. */
async function announced(replica: ServiceProcess): Promise<void> {
  await replica.line(({ message }) =>
    /log is made from.*RESTORE/.test(message)
  );
}

/** Checks that a replica has the backup, and more if anything was set since. */
async function assertRestored(replica: ServiceProcess): Promise<void> {
  const { log, digest, users } = await replica.statusJson();
  assert.equal(log.id, LOG_ID);
  assert.equal(users, GRADES.length);
  assert.equal(digest, STORAGE.digest);
  // The mark of the healing is an entry.
  assert.equal(log.applied_sequence, 121);
}

if (isNew) {
  Deno.test("where there is no log, RESTORE_FROM makes it from a backup, and all other replicas wait for it and are equal then", async () => {
    await using world = await World.start();
    const { cluster } = world;
    const a = cluster.spawnReplica(0, world.env);
    await announced(a);
    const b = cluster.spawnReplica(1);
    await Promise.all([a.started(), b.started()]);
    await assertRestored(a);
    await assertRestored(b);
    assert.ok(
      b.lines.every(({ state }) => state !== "ready") ||
        b.lines.findIndex(({ state }) => state === "ready") >
          b.lines.findIndex(({ message }) =>
            /makes the log whole/.test(message)
          ),
      "it did not wait",
    );
    const answer = await b.set({ user_id: "ann", spp: 7 });
    assert.equal(answer.headers.get("log-sequence"), "122");
    await answer.body?.cancel();
    // It stays set by mistake.
    await a.end("SIGTERM");
    const again = await cluster.startReplica(0, world.env);
    cluster.replicas[1] = b;
    assert.equal((await cluster.agreement()).users, GRADES.length + 1);
    assert.ok(again.lines.some(({ message }) => /left alone/.test(message)));
  });

  Deno.test("a replica that is killed while it makes the log from a file, at any step, finishes it after the next start", async () => {
    await using world = await World.start();
    const { cluster } = world;
    const steps = [
      /is made from/,
      /Snapshot at sequence 120 written/,
      /the fence is entry 1/,
      /The log begins with entry 121/,
    ];
    for (const [i, step] of steps.entries()) {
      const env = { ...world.env, NATS_STREAM: `S${i}` };
      const killed = cluster.spawnReplica(0, env);
      await killed.line(({ message }) => step.test(message));
      await killed.end("SIGKILL");
      const again = await cluster.startReplica(0, env);
      const { log, digest } = await again.statusJson();
      assert.equal(digest, STORAGE.digest, `killed at ${step}`);
      assert.equal(log.id, LOG_ID);
      assert.ok(log.applied_sequence >= 120, `killed at ${step}`);
      await set(again, "ann");
      await again.end("SIGKILL");
    }
  });

  Deno.test("RESTORE_FROM gives an empty log of another identity the backup, and a replica that follows it already goes over", async () => {
    await using world = await World.start();
    const { cluster } = world;
    const early = await cluster.startReplica(1);
    assert.notEqual((await early.statusJson()).log.id, LOG_ID);
    await cluster.startReplica(0, world.env);
    await early.untilReady("set");
    await assertRestored(cluster.replicas[0]);
    assert.equal((await cluster.agreement()).id, LOG_ID);
  });

  Deno.test("RESTORE_FROM takes a plain CSV file as the beginning of a new log", async () => {
    await using world = await World.start(
      new TextEncoder().encode("user_id,spp\nann,7\nbob,8\n"),
    );
    const { cluster } = world;
    // It is ordered, so it does not matter that healing is off.
    const env = { ...world.env, HEAL_AFTER_MS: "0" };
    const a = await cluster.startReplica(0, env);
    const { log, users } = await a.statusJson();
    assert.deepEqual([log.applied_sequence, users], [2, 2]);
    assert.notEqual(log.id, LOG_ID);
    await cluster.startReplica(1);
    const { spp } = await (await cluster.replicas[1].get("/get?user_id=bob"))
      .json();
    assert.equal(spp, 8);
  });

  Deno.test("a start whose log ends before a stored snapshot of it restores that, and heals the log", async () => {
    await using world = await World.start();
    const { cluster } = world;
    const { broker } = cluster;
    const env = { HEAL_AFTER_MS: "500" };
    const a = await cluster.startReplica(0, env);
    await set(a, "ann");
    await a.end("SIGTERM");
    await broker.saveStore();
    const b = await cluster.startReplica(0, env);
    await set(b, "bob");
    await set(b, "cid");
    const { digest } = await b.statusJson();
    using folder = new TemporaryFolder();
    const SNAPSHOT_DIR = `${folder.path}/snapshots`;
    await b.end("SIGTERM");
    const c = await cluster.startReplica(0, { ...env, SNAPSHOT_DIR });
    assert.equal((await c.snapshot()).status, 200);
    await c.end("SIGTERM");
    // The older copy has neither the entries nor the bucket.
    await broker.stop("SIGTERM");
    await broker.copyStore("put back");
    await broker.start();

    // Without healing it is held, as before.
    const off = { SNAPSHOT_DIR, HEAL_AFTER_MS: "0" };
    const held = cluster.spawnReplica(0, off);
    await assertHeld(held, /holds 3 users at entry 3.*the log ends at entry 1/);
    await held.end("SIGTERM");
    const healed = await cluster.startReplica(0, { ...env, SNAPSHOT_DIR });
    const status = await healed.statusJson();
    assert.deepEqual([status.digest, status.log.applied_sequence], [digest, 4]);
    await cluster.startReplica(1, env);
    assert.equal((await cluster.agreement()).users, 3);
  });
} else {
  Deno.test("where NATS is too old to heal a log, RESTORE_FROM says so, and nothing is taken from the file", async () => {
    await using world = await World.start();
    const a = world.cluster.spawnReplica(0, world.env);
    await a.line(({ message }) => /upgrade NATS to 2\.10/.test(message));
    const probe = await fetch(`${a.url("get")}/readyz`);
    assert.equal(probe.status, 503);
    assert.match((await probe.json()).reason, /upgrade NATS to 2\.10/);
  });
}

Deno.test("RESTORE_FROM writes over no log that has entries, and says so", async () => {
  await using world = await World.start();
  const { cluster } = world;
  const a = await cluster.startReplica(0);
  await set(a, "ann");
  const b = await cluster.startReplica(1, world.env);
  assert.ok(
    b.lines.some(({ message }) => /left alone.*1 entries/.test(message)),
  );
  assert.equal((await cluster.agreement()).users, 1);
});

Deno.test("RESTORE_FROM is held where the bucket has a later state of the same log, and the reason names both", async () => {
  await using world = await World.start();
  const { cluster } = world;
  const a = await cluster.startReplica(0);
  await set(a, "ann");
  const file = await (await a.backup()).bytes();
  Deno.writeFileSync(world.path, file);
  await set(a, "bob");
  assert.equal((await a.snapshot()).status, 200);
  await a.end("SIGTERM");
  await world.broker(({ streams }) => streams.delete("USERGRADE"));
  const held = cluster.spawnReplica(0, world.env);
  const { reason } = await held.line(({ level }) => level === "ERROR");
  assert.match(
    String(reason),
    /the bucket USERGRADE-snapshots has its log \w+ up to entry 2, and the file only up to entry 1: set RESTORE_FROM to that snapshot/,
  );
  for (const listener of ["set", "get"] as const) {
    const probe = await fetch(`${held.url(listener)}/readyz`);
    const body = await probe.json();
    assert.deepEqual([probe.status, body.state], [503, "healing"]);
    assert.match(body.reason, /entry 2, and the file only/);
  }
  const streams = await world.broker(async (manager) =>
    (await manager.streams.list().next()).map(({ config }) => config.name)
  );
  assert.deepEqual(streams, ["OBJ_USERGRADE-snapshots"]);
  // Without the file, the start names the bucket and the variable.
  await held.end("SIGTERM");
  const plain = cluster.spawnReplica(0);
  await assertHeld(
    plain,
    /the bucket .* NATS has no such stream.*RESTORE_FROM/,
  );
});
