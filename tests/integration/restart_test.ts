import assert from "node:assert/strict";
import { connect } from "nats";
import { FileStore } from "../../src/snapshot/file_store.ts";
import { fileSource } from "../../src/snapshot/file_source.ts";
import { saveSnapshot } from "../../src/snapshot/store.ts";
import { Cluster } from "../support/cluster.ts";
import { options } from "../support/jetstream_session.ts";
import { quietLog } from "../support/quiet_log.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { set } from "./fuller_state.ts";

/** Stores what a replica has in the bucket of its log. */
async function store(cluster: Cluster, replica: ServiceProcess) {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/backup.csv.gz`;
  Deno.writeFileSync(path, await (await replica.backup()).bytes());
  const log = quietLog();
  await log.connect(options(cluster.broker, { replicaId: "storekeeper" }));
  await log.open();
  try {
    const { signal } = new AbortController();
    using snapshot = await fileSource(`file://${path}`).open(signal);
    const bucket = new FileStore("the bucket", log.files);
    const { id } = await saveSnapshot(snapshot, bucket);
    await bucket.verify(id, signal);
    return snapshot.info.sequence;
  } finally {
    await log.close();
  }
}

async function withJetStream(
  cluster: Cluster,
  use: (parts: {
    purge: (subject: string) => Promise<unknown>;
    cutBefore: (seq: number) => Promise<unknown>;
    chunks: () => Promise<string[]>;
  }) => Promise<unknown>,
): Promise<void> {
  const client = await connect({ servers: cluster.broker.url });
  try {
    const { streams } = await client.jetstreamManager();
    const bucket = "OBJ_USERGRADE-snapshots";
    await use({
      cutBefore: (seq) => streams.purge("USERGRADE", { seq }),
      purge: (filter) => streams.purge(bucket, { filter }),
      chunks: async () => {
        const { state } = await streams.info(bucket, {
          subjects_filter: "$O.*.C.>",
        });
        return Object.keys(state.subjects ?? {});
      },
    });
  } finally {
    await client.close();
  }
}

Deno.test("all replicas restart at once without PEERS, from the newest snapshot in the broker, from the older one if that is damaged, and say from which", async () => {
  await using cluster = await Cluster.start(2);
  const [a] = cluster.replicas;
  for (let i = 0; i < 5; i++) await set(a, `user ${i}`);
  const older = await store(cluster, a);
  let olderChunks: string[] = [];
  await withJetStream(cluster, async ({ chunks }) => {
    olderChunks = await chunks();
  });
  for (let i = 5; i < 10; i++) await set(a, `user ${i}`);
  const newest = await store(cluster, a);
  for (let i = 10; i < 15; i++) await set(a, `user ${i}`);
  await withJetStream(cluster, ({ cutBefore }) => cutBefore(older));
  const before = await cluster.agreement();

  const restart = async (from: RegExp) => {
    await Promise.all(cluster.replicas.map((one) => one.end("SIGKILL")));
    await Promise.all([0, 1].map((index) => cluster.startReplica(index)));
    assert.deepEqual(await cluster.agreement(), before);
    for (const replica of cluster.replicas) {
      const line = await replica.line(({ state }) => state === "catching_up");
      assert.match(String(line.reason), from);
    }
  };
  const bucket = "restored from the bucket USERGRADE-snapshots";
  await restart(new RegExp(`${bucket} at sequence ${newest}$`));
  await withJetStream(cluster, async ({ chunks, purge }) => {
    const newer = (await chunks()).filter((one) => !olderChunks.includes(one));
    assert.equal(newer.length, 1);
    await purge(newer[0]);
  });
  await restart(
    new RegExp(`${bucket} at sequence ${older} \\(not from .*damaged`),
  );
});

Deno.test("a replica that was suspended while the log was cut beyond it goes on from the broker's snapshot, with no other replica alive", async () => {
  await using cluster = await Cluster.start(2);
  const [a, b] = cluster.replicas;
  await set(a, "early");
  await cluster.agreement();
  b.signal("SIGSTOP");
  await cluster.throughRestart(async () => {
    await cluster.broker.stop();
    await cluster.broker.start();
  }, [a]);
  for (let i = 0; i < 5; i++) await set(a, `user ${i}`);
  const sequence = await store(cluster, a);
  await set(a, "late");
  const { digest, users } = await a.statusJson();
  await withJetStream(cluster, ({ cutBefore }) => cutBefore(sequence));
  await a.end("SIGKILL");
  b.signal("SIGCONT");
  await b.line(({ message }) =>
    message.startsWith("The log was cut; going on")
  );
  await b.untilReady("set");
  cluster.replicas.shift();
  const agreed = await cluster.agreement();
  assert.deepEqual([agreed.digest, agreed.users], [digest, users]);
});
