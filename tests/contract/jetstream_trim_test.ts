import assert from "node:assert/strict";
import { BucketClient } from "../support/bucket_client.ts";
import { eventually } from "../support/eventually.ts";
import { options, Session, withClient } from "../support/jetstream_session.ts";
import { NatsServer } from "../support/nats_server.ts";

/** What the stream has. */
function stateOf(server: NatsServer) {
  return withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    return (await manager.streams.info("USERGRADE")).state;
  });
}

Deno.test("JetStreamLog.trim() lets go of the entries before one, and that one stays", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  await client.set(20);
  await client.log.trim(7);
  assert.equal(client.firstSequence, 7);
  const state = await stateOf(server);
  assert.deepEqual([state.first_seq, state.last_seq, state.messages], [
    7,
    20,
    14,
  ]);
  assert.ok((await client.log.locate(7)).time);
  assert.equal((await client.log.locate(6)).time, undefined);
  // Again, or before: there is nothing to let go of.
  for (const sequence of [7, 3, 1, 0]) {
    await client.log.trim(sequence);
    assert.equal(client.firstSequence, 7);
  }
  await client.log.trim(20);
  assert.deepEqual((await stateOf(server)).first_seq, 20);
  await client.set(5);
  assert.deepEqual((await stateOf(server)).last_seq, 25);
  assert.deepEqual(client.statuses.map(({ state }) => state), ["connected"]);
});

Deno.test("JetStreamLog.trim() with entry 1 takes nothing, though old servers would purge all", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  await client.set(5);
  for (const sequence of [0, 1]) await client.log.trim(sequence);
  assert.deepEqual((await stateOf(server)).messages, 5);
});

Deno.test("JetStreamLog.trim() refuses what is beyond the log's end, by its own word and by the stream's", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  for (const batch of [1, 2, 3]) await session.propose(batch);
  await assert.rejects(session.log.trim(4), RangeError);
  // The stream lost its tail, and this replica has yet to notice.
  await withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    const { config } = await manager.streams.info("USERGRADE");
    await manager.streams.delete("USERGRADE");
    await manager.streams.add(config);
    await assert.rejects(session.log.trim(3));
    assert.equal((await manager.streams.info("USERGRADE")).state.first_seq, 0);
  });
});

Deno.test("JetStreamLog.trim() says why it can't be done while the broker is away or the stream denies it", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  await client.set(5);
  await withClient(server, async (connection) => {
    const manager = await connection.jetstreamManager();
    const { config } = await manager.streams.info("USERGRADE");
    await manager.streams.delete("USERGRADE").then(() =>
      manager.streams.add({ ...config, deny_purge: true })
    );
  });
  await using other = await BucketClient.open(server, { replicaId: "b" });
  await other.set(5);
  await assert.rejects(other.log.trim(3), /purge not permitted/);
  await server.stop();
  await eventually(() => assert.equal(other.status?.state, "away"));
  await assert.rejects(other.log.trim(3), /Cannot cut the log now: /);
});

Deno.test("the log tells its bytes and its limits with each look, and entries tell theirs, as the server counts them", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server, { replicaId: "a" });
  await using other = await BucketClient.open(server, {
    replicaId: "replica-b",
  });
  await client.set(50);
  await other.set(7);
  await eventually(() => assert.equal(client.entries, 57));
  const { bytes } = await stateOf(server);
  assert.equal(client.bytes, bytes);
  await eventually(() => assert.equal(client.limits?.bytes, bytes));
  assert.deepEqual(client.limits?.retention, {
    age_ms: undefined,
    bytes: undefined,
    entries: undefined,
  });
  await withClient(server, async (connection) => {
    const manager = await connection.jetstreamManager();
    const { config } = await manager.streams.info("USERGRADE");
    await manager.streams.update("USERGRADE", {
      ...config,
      max_age: 3600e9,
      max_bytes: 1e9,
      max_msgs: 1e6,
    });
  });
  await eventually(() =>
    assert.deepEqual(client.limits?.retention, {
      age_ms: 3_600_000,
      bytes: 1e9,
      entries: 1e6,
    })
  );
  await client.log.trim(30);
  await eventually(() => assert.equal(client.limits?.firstSequence, 30));
  assert.equal(client.limits?.bytes, (await stateOf(server)).bytes);
  // One that comes later, and reads what is left.
  await using late = await Session.open(server, options(server), 30);
  await eventually(() => assert.equal(late.entries.length, 27));
});

Deno.test("JetStreamLog.locate() tells how many entries were removed from the middle of the log", async () => {
  await using server = await NatsServer.start();
  await using a = await BucketClient.open(server, { replicaId: "a" });
  await using b = await BucketClient.open(server, { replicaId: "b" });
  const removed = async () => (await a.log.locate(1)).removed;
  await a.set(2);
  await b.set(3);
  await a.set(4);
  assert.equal(await removed(), undefined);
  await withClient(server, async (client) => {
    const { streams } = await client.jetstreamManager();
    await streams.purge("USERGRADE", { filter: "usergrade.v1.set.b" });
  });
  assert.equal(await removed(), 3);
  await a.log.trim(6);
  assert.equal(await removed(), undefined);
});

Deno.test("JetStreamLog gives no entry to a replica of another history that ends directly before what is left of the log", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  for (const batch of [1, 2]) await session.propose(batch);
  await server.saveStore();
  await session.until("connected");
  await session.propose(3);
  await session.log.close();
  // That entry is lost, others write past it, and the log is cut.
  await server.stop();
  await server.copyStore("put back");
  await server.start();
  await using other = await Session.open(server, { replicaId: "b" });
  for (const batch of [3, 4, 5]) await other.propose(batch);
  assert.equal(await other.log.trim(4), 4);
  assert.deepEqual(await other.log.locate(3), {
    firstSequence: 4,
    lastSequence: 5,
    time: undefined,
    begin: { mark: undefined },
  });

  await using late = new Session(server, { replicaId: "c" }, 3);
  await late.consume();
  await late.untilReason(/begins with entry 4 now, .* entry 3 /);
  assert.equal(late.statuses.at(-1)?.missing, 4);
  assert.deepEqual(late.entries, []);
  await late.goOnAfter(4);
  await late.until("connected");
  await eventually(() => assert.equal(late.entries.length, 1));
});
