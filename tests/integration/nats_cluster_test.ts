import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { SUSPICION_MS } from "../../src/log/jetstream/suspicion.ts";
import { eventually } from "../support/eventually.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** How long a cluster may take to choose another leader on a busy machine. */
const RECOVERY_MAX_MS = 60_000;

const CLIENTS = 8;

/** The pause of a client between two sets. */
const PAUSE_MS = 10;

/** Clients that set users of their own until they are told to end. */
class Clients {
  /** The last value of each user that was acknowledged. */
  readonly acknowledged = new Map<string, number>();
  refused = 0;
  #ending = false;
  readonly #done: Promise<unknown>;

  constructor(replicas: readonly ServiceProcess[]) {
    this.#done = Promise.all(
      Array.from(
        { length: CLIENTS },
        (_, i) => this.#run(`user ${i}`, replicas[i % replicas.length]),
      ),
    );
  }

  async #run(user_id: string, replica: ServiceProcess): Promise<void> {
    for (let spp = 1; !this.#ending; spp++) {
      const response = await replica.set({ user_id, spp });
      await response.body?.cancel();
      if (response.status === 200) {
        this.acknowledged.set(user_id, spp);
        await sleep(PAUSE_MS);
      } else {
        assert.ok([503, 504].includes(response.status));
        this.refused++;
        await sleep(50);
      }
    }
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#done;
  }
}

/** The number of the server that leads the stream. */
async function leader(urls: string): Promise<number> {
  const client = await connect({ servers: urls.split(",") });
  try {
    const manager = await client.jetstreamManager();
    const { cluster, config } = await manager.streams.info("USERGRADE");
    assert.equal(config.num_replicas, 3);
    return Number(/^n(\d)$/.exec(cluster?.leader ?? "")![1]);
  } finally {
    await client.close();
  }
}

Deno.test("when the stream's leader of three NATS servers is killed, sets are taken again and no acknowledged set is lost", async () => {
  await using nats = await NatsCluster.start();
  using folder = new TemporaryFolder();
  const spawn = (REPLICA_ID: string) =>
    ServiceProcess.spawn({
      dataDir: folder.path,
      env: { REPLICA_ID, NATS_URL: nats.urls, NATS_STREAM_REPLICAS: "3" },
    });
  await using a = spawn("a");
  await using b = spawn("b");
  const replicas = [a, b];
  await Promise.all(replicas.map((replica) => replica.started()));
  const clients = new Clients(replicas);
  const until = (sets: number) =>
    eventually(() => {
      const all = [...clients.acknowledged.values()];
      assert.equal(all.length, CLIENTS);
      assert.ok(Math.min(...all) >= sets);
    }, RECOVERY_MAX_MS);
  await until(20);

  const killed = nats.servers[await leader(nats.urls)];
  const killedAt = performance.now();
  await killed.stop("SIGKILL");
  const before = Math.max(...clients.acknowledged.values());
  await until(before + 20);
  console.log(
    `sets came back within ${
      ((performance.now() - killedAt) / 1000).toFixed(1)
    } s, ${clients.refused} were refused`,
  );
  await killed.start();
  await until(before + 40);
  await clients.end();

  const views = await eventually(async () => {
    const found = await Promise.all(replicas.map((one) => one.statusJson()));
    assert.equal(found[0].log.applied_sequence, found[1].log.applied_sequence);
    assert.equal(found[0].log.lag, 0);
    return found;
  }, RECOVERY_MAX_MS);
  assert.equal(views[0].digest, views[1].digest);
  for (const [user, value] of clients.acknowledged) {
    const got = await a.get(`/get?user_id=${encodeURIComponent(user)}`);
    // The last set of each client may be one that nobody could answer for.
    assert.ok((await got.json()).spp >= value, user);
  }
});

Deno.test("of three NATS servers two hang for 2.5 s: a set of that time commits, and no retry ends it sooner", async () => {
  await using nats = await NatsCluster.start();
  using folder = new TemporaryFolder();
  await using replica = await ServiceProcess.start({
    dataDir: folder.path,
    env: {
      NATS_URL: nats.urls,
      NATS_STREAM_REPLICAS: "3",
      COMMIT_TIMEOUT_MS: "8000",
    },
  });
  const set = async (spp: number) => {
    const response = await replica.set({ user_id: "a", spp });
    return { status: response.status, text: await response.text() };
  };
  const first = await set(1);
  assert.equal(first.status, 200, first.text);
  // The leader goes on, and has no quorum.
  const leading = await leader(nats.urls);
  const others = nats.servers.filter((_, i) => i !== leading);
  await Promise.all(others.map((server) => server.pause()));
  const answer = set(2);
  await sleep(2_500);
  for (const server of others) server.signal("SIGCONT");
  const { status, text } = await answer;
  assert.equal(status, 200, text);
});

Deno.test("a replica waits when a stream of three servers ends too early, and is ahead of the log only if that lasts", async () => {
  await using nats = await NatsCluster.start();
  using folder = new TemporaryFolder();
  await using replica = await ServiceProcess.start({
    dataDir: folder.path,
    env: {
      NATS_URL: nats.urls,
      NATS_STREAM_REPLICAS: "3",
      HEAL_AFTER_MS: "0",
    },
  });
  const set = async (spp: number) => {
    const response = await replica.set({ user_id: "a", spp });
    await response.body?.cancel();
    assert.equal(response.status, 200);
  };
  const untilSettable = () =>
    eventually(async () => {
      const response = await fetch(`${replica.url("set")}/readyz`);
      assert.equal(response.status, 200, await response.text());
    }, RECOVERY_MAX_MS);
  const untilReason = (reason: RegExp) =>
    eventually(async () => {
      const response = await fetch(`${replica.url("set")}/readyz`);
      assert.match((await response.json()).reason, reason);
    }, RECOVERY_MAX_MS);
  await set(1);
  await nats.restartWithStores("save");
  await untilSettable();
  await set(2);
  await set(3);

  const LATE = /ends at 1, this replica at 3, unless its servers have yet/;
  await nats.restartWithStores("swap");
  await untilReason(LATE);
  await nats.restartWithStores("swap");
  await untilSettable();
  await set(4);

  await nats.restartWithStores("swap");
  await eventually(
    async () =>
      assert.equal((await replica.statusJson()).state, "ahead_of_log"),
    RECOVERY_MAX_MS + SUSPICION_MS,
  );
});
