import assert from "node:assert/strict";
import { BatchPublisher } from "../../src/log/jetstream/batch_publisher.ts";
import { JetStreamLog } from "../../src/log/jetstream/jetstream_log.ts";
import { encodeFence } from "../../src/log/fence.ts";
import type { JetStreamOptions } from "../../src/log/jetstream/options.ts";
import { fenceSubject } from "../../src/log/jetstream/subjects.ts";
import { eventually } from "../support/eventually.ts";
import {
  DEAF,
  options,
  payload,
  Session,
  withClient,
} from "../support/jetstream_session.ts";
import { NatsServer } from "../support/nats_server.ts";

const WANTED = "0123456789abcdef";

/** Opens a log under an identity and closes it again. */
async function open(
  server: NatsServer,
  id: string,
  others: Partial<JetStreamOptions> = {},
) {
  const log = new JetStreamLog(options(server, others), DEAF);
  const info = await log.open(id);
  await log.close();
  return info;
}

Deno.test("JetStreamLog.open() makes a log under the wanted identity, and gives it to one that has had no entry", async () => {
  await using server = await NatsServer.start();
  const made = await open(server, WANTED);
  assert.deepEqual([made.id, made.lastSequence], [WANTED, 0]);
  const other = "fedcba9876543210";
  assert.equal((await open(server, other)).id, other);
  // A stream that was made by hand has an identity of its own.
  await withClient(server, async (client) => {
    const { streams } = await client.jetstreamManager();
    await streams.delete("USERGRADE");
    await streams.add({
      name: "USERGRADE",
      subjects: ["usergrade.*.set.*"],
      description: "made by hand",
      max_age: 0,
    });
  });
  assert.equal((await open(server, WANTED)).id, WANTED);
});

Deno.test("JetStreamLog.open() leaves a log alone that has had an entry, if only one that is gone", async () => {
  await using server = await NatsServer.start();
  const { id } = await open(server, WANTED);
  await using session = await Session.open(server, { replicaId: "b" });
  await session.log.propose(1, payload("[]"));
  const other = "fedcba9876543210";
  assert.deepEqual(await open(server, other), {
    id,
    isNew: false,
    firstSequence: 1,
    lastSequence: 1,
  });
  await withClient(server, async (client) => {
    const { streams } = await client.jetstreamManager();
    await streams.purge("USERGRADE");
  });
  assert.deepEqual(await open(server, other), {
    id,
    isNew: false,
    firstSequence: 2,
    lastSequence: 1,
  });
});

Deno.test("a replica that has applied nothing takes over the identity that its empty log is given", async () => {
  await using server = await NatsServer.start();
  await using early = await Session.open(server, { replicaId: "b" });
  await open(server, WANTED);
  await eventually(() => assert.equal(early.limits?.id, WANTED));
  await early.log.propose(1, payload("[]"));
  assert.equal((await open(server, "fedcba9876543210")).id, WANTED);
});

Deno.test("JetStreamLog tells of a fence that stands in the log when it is found and when it is opened", async () => {
  await using server = await NatsServer.start();
  await open(server, WANTED);
  const point = { sequence: 7, digest: "a".repeat(16) };
  await withClient(server, async (client) => {
    await client.jetstream().publish(
      fenceSubject("USERGRADE"),
      encodeFence(point),
    );
  });
  const log = new JetStreamLog(options(server), DEAF);
  for (const info of [await log.find(), await log.open("fedcba9876543210")]) {
    assert.equal(info?.id, WANTED);
    assert.equal(info?.lastSequence, 1);
    const { time, ...fence } = info!.fence!;
    assert.deepEqual(fence, { ...point, at: 1 });
    assert.match(time, /^20\d\d-.*Z$/);
  }
  await log.close();
});

Deno.test("a batch gets into no other stream that has taken over the log's subjects", async () => {
  await using server = await NatsServer.start();
  await withClient(server, async (client) => {
    const { streams } = await client.jetstreamManager();
    await streams.add({ name: "OTHER", subjects: ["usergrade.*.set.*"] });
    const told: string[] = [];
    const publisher = new BatchPublisher(
      client,
      options(server),
      ({ reason }) => told.push(reason),
    );
    publisher.publish({
      type: "publish",
      batch: 1,
      messageId: "session:1",
      payload: payload("a"),
      version: 1,
    });
    await eventually(() => assert.match(told.join(), /expected stream/));
    assert.equal((await streams.info("OTHER")).state.messages, 0);
  });
});
