import assert from "node:assert/strict";
import { connect } from "nats";
import { setTimeout as sleep } from "node:timers/promises";
import { TcpProxy } from "../fault/tcp_proxy.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { areServersNew } from "../support/nats_server.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { assertHeld, set } from "./fuller_state.ts";

/** The payloads of the log's entries. */
async function entries(cluster: Cluster): Promise<string[]> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    const { streams } = await client.jetstreamManager();
    const { state: { first_seq, last_seq } } = await streams.info("USERGRADE");
    const found = [];
    for (let seq = Math.max(first_seq, 1); seq <= last_seq; seq++) {
      const { data } = await streams.getMessage("USERGRADE", { seq });
      found.push(new TextDecoder().decode(data));
    }
    return found;
  } finally {
    await client.close();
  }
}

/** The pause between two sets. */
const PAUSE_MS = 5;

/** Sets through one replica, one set after the other, each with its own number. */
class Setter {
  /** The numbers that were answered with 200. */
  readonly acknowledged: number[] = [];
  #next = 0;
  #isRunning = true;
  readonly #running: Promise<void>;

  constructor(private readonly replica: ServiceProcess, readonly name: string) {
    this.#running = this.#run();
    this.#running.catch(() => {});
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const spp = this.#next++;
      const response = await this.replica.set({ user_id: this.name, spp });
      await response.body?.cancel();
      if (response.status === 200) this.acknowledged.push(spp);
      await sleep(PAUSE_MS);
    }
  }

  /** Waits until another set is acknowledged. */
  async another(): Promise<void> {
    const before = this.acknowledged.length;
    await eventually(() => assert.ok(this.acknowledged.length > before));
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#running;
  }
}

Deno.test("after the broker is started anew under load, sets go on at all replicas, and none is in the log twice", async () => {
  await using cluster = await Cluster.start(3);
  const setters = cluster.replicas.map((replica, i) =>
    new Setter(replica, `s${i}`)
  );
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await Promise.all(setters.map((setter) => setter.another()));
    await cluster.broker.stop(signal);
    await cluster.broker.start();
    await Promise.all(setters.map((setter) => setter.another()));
  }
  await Promise.all(setters.map((setter) => setter.stop()));
  await cluster.agreement();
  const counts = new Map<string, number>();
  for (const payload of await entries(cluster)) {
    for (const { user_id, spp } of JSON.parse(payload)) {
      const key = `${user_id} ${spp}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  for (const [key, count] of counts) assert.equal(count, 1, key);
  for (const { name, acknowledged } of setters) {
    for (const spp of acknowledged) assert.ok(counts.has(`${name} ${spp}`));
  }
  for (const { lines } of cluster.replicas) {
    assert.ok(!lines.some(({ message }) => /applied entry/.test(message)));
  }
});

Deno.test("a replica that lags proposes nothing to a log that was put back to where it is, while another has applied more", async () => {
  // The log stays as it is for as long as the test lasts.
  const env = { HEAL_AFTER_MS: "0" };
  await using cluster = await Cluster.start(1, env);
  await using proxy = new TcpProxy(cluster.broker.port);
  const [a] = cluster.replicas;
  const b = await cluster.startReplica(1, {
    ...env,
    NATS_URL: `nats://127.0.0.1:${proxy.port}`,
  });
  await set(a, "ann");
  await cluster.agreement();
  await cluster.throughRestart(() => cluster.broker.saveStore());

  await proxy.refuse();
  await set(a, "bob");
  await set(a, "cid");
  await cluster.broker.stop("SIGTERM");
  await cluster.broker.copyStore("swap");
  await cluster.broker.start();
  proxy.accept();
  const reason = /replica r0 has applied entry 3 .* ends at entry 1/;
  await eventually(async () => {
    const response = await b.set({ user_id: "dan", spp: 1 });
    const { detail } = await response.json();
    assert.equal(response.status, 503);
    assert.match(detail, reason);
  });
  const got = await b.get("/get?user_id=ann");
  assert.equal(got.status, 200, await got.text());
  // A start is held back as well.
  await assertHeld(
    cluster.spawnReplica(2),
    /replica r0 holds 3 users .* ends at entry 1/,
  );
  assert.equal((await entries(cluster)).length, 1);
});

Deno.test({
  name:
    "a start beside a replica that makes the log whole waits, says so, and goes on with all that it had",
  // Below 2.10 nobody heals.
  ignore: !areServersNew(),
  fn: async () => {
    await using cluster = await Cluster.start(1, { HEAL_AFTER_MS: "4000" });
    const [a] = cluster.replicas;
    for (const id of ["ann", "bob", "cid"]) await set(a, id);
    await cluster.broker.stop();
    cluster.broker.loseStore();
    await cluster.broker.start();
    await a.line(({ state }) => state === "healing");
    const b = cluster.spawnReplica(1);
    const line = await b.line(({ message }) => message.startsWith("Not ready"));
    const reason = /^replica r0 makes the log whole/;
    assert.equal(line.level, "WARN");
    assert.match(String(line.reason), reason);
    const probe = await (await fetch(`${b.url("set")}/readyz`)).json();
    assert.equal(probe.state, "starting");
    assert.match(probe.reason, reason);
    await b.started();
    cluster.replicas[1] = b;
    await set(b, "dan");
    assert.equal((await cluster.agreement()).users, 4);
  },
});
