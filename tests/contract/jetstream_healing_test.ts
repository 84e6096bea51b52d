import assert from "node:assert/strict";
import { encodeFence } from "../../src/log/fence.ts";
import { fenceSubject } from "../../src/log/jetstream/subjects.ts";
import { type HealPoint, LogMovedError } from "../../src/log/healable_log.ts";
import { NotStoredError } from "../../src/log/log.ts";
import { eventually } from "../support/eventually.ts";
import { Session, withClient } from "../support/jetstream_session.ts";
import { areServersNew, NatsServer } from "../support/nats_server.ts";

const STREAM = "USERGRADE";
const DIGEST = "0123456789abcdef";
const OTHER_DIGEST = "f".repeat(16);
/** Where a log of five entries is made whole. */
const POINT: HealPoint = { sequence: 5, digest: DIGEST };

/** Moves a log beyond its end, which older servers do not do well. */
function testOfMoving(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !areServersNew(), fn });
}

/** Where the stream begins and ends, as the server says it. */
function endsOf(server: NatsServer): Promise<[first: number, last: number]> {
  return withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    const { state } = await manager.streams.info(STREAM);
    return [state.first_seq, state.last_seq];
  });
}

/** Publishes a fence as a replica does, but after whatever is the last entry. */
function publishFence(server: NatsServer, point: HealPoint): Promise<unknown> {
  return withClient(
    server,
    (client) =>
      client.jetstream().publish(fenceSubject(STREAM), encodeFence(point)),
  );
}

/** A replica that has applied five entries, of which its broker has only two. */
async function withLostTail(
  use: (server: NatsServer, session: Session) => Promise<void>,
): Promise<void> {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  for (const batch of [1, 2]) await session.propose(batch);
  await server.saveStore();
  await session.until("connected");
  for (const batch of [3, 4, 5]) await session.propose(batch);
  await server.stop();
  await server.copyStore("put back");
  await server.start();
  await session.until("ahead_of_log");
  await use(server, session);
}

testOfMoving(
  "JetStreamLog.healing makes a log whole that lost its tail, step by step, and each step is harmless when it is repeated",
  async () => {
    await withLostTail(async (server, { log, ...session }) => {
      const { healing } = log;
      const loss = await healing.look();
      assert.deepEqual(loss, {
        type: "tail",
        reason: "the stream ends at 2, this replica at 5",
        firstSequence: 1,
        lastSequence: 2,
      });
      await healing.remake();
      assert.deepEqual(await healing.look(), loss);

      // Nobody may have written meanwhile.
      await assert.rejects(healing.fence(POINT, 1), LogMovedError);
      await assert.rejects(healing.moveTo(POINT), LogMovedError);
      await healing.fence(POINT, 2);
      const fenced = await healing.look();
      assert.equal(fenced?.type, "fenced");
      assert.deepEqual({ ...fenced.fence, time: "" }, {
        ...POINT,
        at: 3,
        time: "",
      });
      await assert.rejects(healing.fence(POINT, 2), LogMovedError);
      const other = { ...POINT, digest: OTHER_DIGEST };
      await assert.rejects(healing.moveTo(other), LogMovedError);

      for (let i = 0; i < 2; i++) {
        await healing.moveTo(POINT);
        assert.deepEqual(await endsOf(server), [6, 5]);
        assert.equal((await healing.look())?.type, "unmarked");
      }
      await healing.fence(POINT, 5);
      await assert.rejects(healing.fence(POINT, 5), LogMovedError);
      await healing.moveTo(POINT);
      assert.deepEqual(await endsOf(server), [6, 6]);
      assert.deepEqual((await log.locate(5)).begin, { mark: POINT });
      await eventually(() =>
        assert.deepEqual(session.entries.at(-1)?.heal, POINT)
      );
      assert.equal(await healing.look(), undefined);
    });
  },
);

testOfMoving(
  "JetStreamLog says at once how healing goes, and goes on by itself where it is done",
  async () => {
    await withLostTail(async (server, session) => {
      assert.equal(session.statuses.at(-1)?.loss?.type, "tail");
      const { healing } = session.log;
      await healing.fence(POINT, 2);
      await session.until("healing");
      assert.equal(session.statuses.at(-1)?.loss?.fence?.at, 3);
      await assert.rejects(session.propose(6), NotStoredError);
      await healing.moveTo(POINT);
      await eventually(() =>
        assert.equal(session.statuses.at(-1)?.loss?.type, "unmarked")
      );
      // The others are heard first.
      session.hearsAtOnce = false;
      const { hearings } = session;
      const before = hearings.length;
      await healing.fence(POINT, 5);
      await eventually(() => assert.equal(hearings.length, before + 1));
      assert.equal(session.state, "away");
      session.log.othersHeard(hearings.at(-1)!);
      await session.until("connected");
      await session.propose(7);
      await eventually(() => assert.equal(session.entries.length, 7));
      assert.deepEqual(
        session.entries.map(({ sequence, heal }) => [sequence, heal?.sequence]),
        [
          ...[1, 2, 3, 4, 5].map((sequence) => [sequence, undefined]),
          [6, 5],
          [7, undefined],
        ],
      );
      assert.deepEqual(await endsOf(server), [6, 7]);
    });
  },
);

testOfMoving(
  "JetStreamLog.healing makes a stream again that is gone, and its end survives SIGKILL before and after the mark",
  async () => {
    await using server = await NatsServer.start();
    await using session = await Session.open(server);
    for (const batch of [1, 2, 3, 4, 5]) await session.propose(batch);
    const { id } = session.limits!;
    const restart = async (lose: boolean) => {
      await server.stop();
      if (lose) server.loseStore();
      await server.start();
      await eventually(async () => assert.ok(await healing.look()));
    };
    const { healing } = session.log;
    await restart(true);
    assert.equal((await healing.look())?.type, "gone");
    await assert.rejects(healing.fence(POINT, 0));
    for (let i = 0; i < 2; i++) await healing.remake();
    assert.deepEqual(await healing.look(), {
      type: "tail",
      reason: "the stream ends at 0, this replica at 5",
      firstSequence: 1,
      lastSequence: 0,
    });
    await assert.rejects(healing.fence(POINT, 1), LogMovedError);
    await healing.fence(POINT, 0);
    await restart(false);
    assert.equal((await healing.look())?.fence?.at, 1);
    await healing.moveTo(POINT);
    await restart(false);
    assert.deepEqual(await endsOf(server), [6, 5]);
    assert.equal((await healing.look())?.type, "unmarked");
    await healing.fence(POINT, 5);
    await session.until("connected");
    await session.propose(6);
    assert.equal(session.limits!.id, id);

    await server.stop();
    await server.start();
    await session.until("connected");
    await using newcomer = await Session.open(server, { replicaId: "b" }, 5);
    await eventually(() => assert.equal(newcomer.entries.length, 2));
    assert.deepEqual(newcomer.entries[0].heal, POINT);
    assert.equal(await newcomer.log.healing.look(), undefined);
  },
);

testOfMoving(
  "JetStreamLog reads up to a fence and not beyond, and misses what only the state behind it has",
  async () => {
    await withLostTail(async (server, { log: { healing } }) => {
      await healing.fence(POINT, 2);
      // It comes too late, and is void.
      await withClient(
        server,
        (client) => client.jetstream().publish("usergrade.v1.set.b", "[]"),
      );
      await using newcomer = new Session(server, { replicaId: "c" });
      await newcomer.consume();
      await newcomer.until("healing");
      await eventually(() => assert.equal(newcomer.entries.length, 2));
      const { loss } = newcomer.statuses.at(-1)!;
      assert.deepEqual([loss?.type, loss?.fence?.at, loss?.lastSequence], [
        "fenced",
        3,
        4,
      ]);
      await healing.moveTo(POINT);
      await healing.fence(POINT, 5);
      await eventually(() =>
        assert.equal(newcomer.statuses.at(-1)?.missing, 3)
      );
      assert.equal(newcomer.entries.length, 2);
    });
  },
);

testOfMoving(
  "JetStreamLog is forked where the log was made whole from less than it has",
  async () => {
    await withLostTail(async (server, session) => {
      const less = { sequence: 4, digest: OTHER_DIGEST };
      await publishFence(server, less);
      await session.until("forked");
      assert.match(session.reason, /nothing after entry 4 counts/);
      await assert.rejects(session.log.healing.look(), /entry 4/);
      await using other = new Session(server, { replicaId: "b" }, 4);
      await other.consume();
      await other.until("healing");
      await other.log.healing.moveTo(less);
      await other.log.healing.fence(less, 4);
      await other.until("connected");
      await assert.rejects(session.log.healing.look(), /entry 4/);
      assert.equal(session.state, "forked");
      await assert.rejects(session.propose(9), NotStoredError);
    });
  },
);

Deno.test("JetStreamLog.healing needs permissions of its own, names the one that is missing, and the log is used all the same", async () => {
  const denied = [
    "usergrade.v2.set.$heal",
    "$JS.API.STREAM.PURGE.USERGRADE",
  ];
  await using server = await NatsServer.start(`
    authorization { users = [
      { user: all, password: all }
      { user: some, password: some,
        permissions: { publish: { deny: ${JSON.stringify(denied)} } } }
    ] }
    no_auth_user: all`);
  await using session = await Session.open(server, {
    user: "some",
    password: "some",
  });
  await session.propose(1);
  const { healing } = session.log;
  const point = { sequence: 3, digest: DIGEST };
  await assert.rejects(healing.fence(point, 1), {
    name: "HealingForbiddenError",
    message: /usergrade\.v2\.set\.\$heal/,
  });
  assert.equal(session.state, "connected");
  await session.propose(2);
  await publishFence(server, point);
  await session.until("healing");
  await assert.rejects(healing.moveTo(point), {
    name: "HealingForbiddenError",
    message: /STREAM\.PURGE\.USERGRADE/,
  });
  assert.equal(session.state, "healing");
});

Deno.test("JetStreamLog finds the fence behind messages on its subject that are none, and feeds those without bytes", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  const point = { sequence: 9, digest: DIGEST };
  const noise = (text: string) =>
    withClient(
      server,
      (client) => client.jetstream().publish(fenceSubject(STREAM), text),
    );
  await noise("no fence");
  await eventually(() => assert.equal(session.entries.length, 2));
  assert.equal(session.entries[1].payload?.length, 0);
  await session.propose(2);
  await publishFence(server, point);
  await noise(JSON.stringify({ healed_to: 2, digest: DIGEST }));
  await session.until("healing");
  assert.equal((await session.log.healing.look())?.fence?.at, 4);
  assert.equal(session.entries.length, 3);
});

Deno.test({
  name:
    "JetStreamLog says what keeps a log from being healed: an old server, or subjects that do not take a fence",
  fn: async () => {
    await using server = await NatsServer.start();
    await using session = await Session.open(server);
    for (const batch of [1, 2]) await session.propose(batch);
    await withClient(server, async (client) => {
      const { streams } = await client.jetstreamManager();
      const { config } = await streams.info(STREAM);
      await streams.delete(STREAM);
      await streams.add({ ...config, subjects: ["usergrade.v1.set.*"] });
    });
    await session.until("ahead_of_log");
    const problem = areServersNew()
      ? /leaves out entries of version 2: .*usergrade\.\*\.set\.\*/
      : /NATS 2\.9\.\d+ .* upgrade NATS to 2\.10 or later/;
    assert.match(session.statuses.at(-1)?.loss?.problem ?? "", problem);
  },
});
