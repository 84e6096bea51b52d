import assert from "node:assert/strict";
import { connect, type NatsConnection } from "nats";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service_process.ts";

/** A user and a number that appear nowhere else. */
const DELETED_USER = "bob@example.com";
const OLD_VALUE = 987_654_321;

/** Sets a user's number; resolves to its sequence. */
async function set(service: ServiceProcess, spp: number): Promise<number> {
  return await sequenceOf(await service.set({ user_id: "ann", spp }));
}

async function sequenceOf(response: Response): Promise<number> {
  assert.equal(response.status, 200, await response.text());
  return Number(response.headers.get("log-sequence"));
}

/** Makes a snapshot; resolves to its sequence. */
async function makeSnapshot(service: ServiceProcess): Promise<number> {
  const response = await service.snapshot();
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text).sequence;
}

/** All that the stream holds, as text. */
async function logText(client: NatsConnection): Promise<string> {
  const manager = await client.jetstreamManager();
  const { state } = await manager.streams.info("USERGRADE");
  let text = "";
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    text += (await manager.streams.getMessage("USERGRADE", { seq })).string();
  }
  return text;
}

/** The backup files in the bucket, as text. */
async function snapshotTexts(client: NatsConnection): Promise<string[]> {
  const bucket = await client.jetstream().views.os("USERGRADE-snapshots");
  return await Promise.all(
    (await bucket.list()).map(async ({ name }) => {
      const bytes = await bucket.getBlob(name);
      const file = new Blob([new Uint8Array(bytes!)]).stream();
      return await new Response(
        file.pipeThrough(new DecompressionStream("gzip")),
      ).text();
    }),
  );
}

Deno.test("two snapshots after a value is overwritten, or a user deleted, leave neither in the log and in the bucket", async () => {
  await using cluster = await Cluster.start(2);
  const [r0, r1] = cluster.replicas;
  const client = await connect({ servers: cluster.broker.url });
  try {
    await sequenceOf(await r0.set({ user_id: DELETED_USER }));
    await set(r0, OLD_VALUE);
    await makeSnapshot(r1);
    assert.match(await logText(client), new RegExp(`${OLD_VALUE}`));
    const [before] = await snapshotTexts(client);
    assert.match(before, new RegExp(`^ann,0,${OLD_VALUE},0,0`, "m"));
    assert.match(before, new RegExp(`^${DELETED_USER},`, "m"));

    await set(r0, 0);
    const deletion = await r0.delete({ user_id: DELETED_USER });
    const deleted = await sequenceOf(deletion);
    const got = await r1.get(
      `/get?user_id=${DELETED_USER}&min_sequence=${deleted}`,
    );
    assert.equal(got.status, 404, await got.text());
    // The log keeps the entry of the older snapshot, which names the user if
    // it is the deletion.
    await sequenceOf(await r0.delete({ user_id: "nobody" }));
    for (let i = 0; i < 2; i++) {
      assert.ok(await makeSnapshot(r1) > deleted);
    }
    await eventually(async () => {
      for (const replica of cluster.replicas) {
        const { log } = await replica.statusJson();
        assert.ok(log.first_sequence > deleted);
        assert.equal(log.snapshot_problem, null);
      }
      const files = await snapshotTexts(client);
      assert.equal(files.length, 2);
      for (const text of [...files, await logText(client)]) {
        assert.ok(!text.includes(`${OLD_VALUE}`));
        assert.ok(!text.includes(DELETED_USER));
      }
    });
  } finally {
    await client.close();
  }
  await cluster.agreement();
});
