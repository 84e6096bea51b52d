import assert from "node:assert/strict";
import { connect } from "nats";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** So little that some hundred sets fill it. */
const LOG_BYTES = 8_000;

/** Sets users one after the other, from several clients. */
async function fill(replica: ServiceProcess, sets: number): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, async (_, client) => {
    for (let i = client; i < sets; i += 8) {
      const response = await replica.set({ user_id: `user-${i % 50}`, spp: i });
      assert.equal(response.status, 200, await response.text());
    }
  }));
}

/** Asks for a snapshot. */
async function snapshot(replica: ServiceProcess) {
  const response = await replica.snapshot();
  return { status: response.status, body: await response.json() };
}

/** The names of the whole files in a folder. */
function files(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("a standalone service cuts its log behind two snapshots, keeps some in a folder, and starts from them", async () => {
  using folder = new TemporaryFolder();
  const env = {
    SNAPSHOT_LOG_BYTES: String(LOG_BYTES),
    SNAPSHOT_DIR: `${folder.path}/backups`,
    SNAPSHOTS_KEPT: "3",
  };
  const dataDir = `${folder.path}/data`;
  const start = () => ServiceProcess.start({ dataDir, env });
  let service = await start();
  const before = await (async () => {
    await using running = service;
    for (let round = 0; round < 4; round++) {
      await fill(running, 320);
      await eventually(async () => {
        const { log } = await running.statusJson();
        assert.ok(log.snapshot !== null);
        assert.ok(log.applied_sequence - log.snapshot.sequence < 320);
      });
    }
    const { status, body } = await snapshot(running);
    assert.equal(status, 200);
    const { log, digest } = await running.statusJson();
    assert.equal(body.sequence, log.applied_sequence);
    assert.equal(body.rows, 50);
    await eventually(() => {
      assert.equal(files(`${folder.path}/backups`).length, 3);
    });
    await eventually(async () => {
      const { first_sequence } = (await running.statusJson()).log;
      assert.ok(first_sequence > 1);
      assert.ok(
        running.lines.some(({ message }) =>
          message.startsWith("The log is cut: it began at ")
        ),
      );
    });
    await running.end("SIGKILL");
    return { sequence: log.applied_sequence, digest };
  })();
  service = await start();
  await using running = service;
  const { log, digest } = await running.statusJson();
  assert.equal(log.applied_sequence, before.sequence);
  assert.equal(digest, before.digest);
  await eventually(async () => {
    const { log } = await running.statusJson();
    assert.equal(log.snapshot.sequence, before.sequence);
  });
});

Deno.test("a cluster keeps two snapshots in the broker, cuts the stream behind the older one, and starts from them with no replica alive", async () => {
  await using cluster = await Cluster.start(2, {
    SNAPSHOT_LOG_BYTES: String(LOG_BYTES),
  });
  const [first, second] = cluster.replicas;
  for (let round = 0; round < 3; round++) {
    await fill(second, 240);
    await eventually(async () => {
      const { log } = await first.statusJson();
      assert.ok(log.snapshot !== null);
      assert.ok(log.applied_sequence - log.snapshot.sequence < 240);
    });
  }
  const { sequence } = await cluster.agreement();
  const { status, body } = await snapshot(second);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.sequence, sequence);
  const client = await connect({ servers: cluster.broker.url });
  const manager = await client.jetstreamManager();
  // The older one is read back once more before the stream is cut behind it.
  await eventually(async () => {
    const { state } = await manager.streams.info("USERGRADE");
    assert.ok(state.first_seq > 1, `${state.first_seq}`);
  });
  const bucket = await client.jetstream().views.os("USERGRADE-snapshots");
  await eventually(async () => {
    const names = (await bucket.list()).map(({ name }) => name);
    assert.equal(names.length, 2, `${names}`);
  });
  await client.close();
  // The one that did not write it sees it too.
  await eventually(async () => {
    const { log } = await first.statusJson();
    assert.equal(log.snapshot.sequence, sequence);
  });
  const writes = ({ lines }: ServiceProcess) =>
    lines.filter(({ message }) => / written to /.test(message)).length;
  assert.equal(writes(second), 1);
  assert.ok(writes(first) > 1);
  const before = await cluster.agreement();
  // All at once, and no replica is left to ask.
  await Promise.all(cluster.replicas.map((one) => one.end("SIGKILL")));
  await Promise.all([0, 1].map((i) => cluster.startReplica(i)));
  assert.deepEqual(await cluster.agreement(), before);
});
