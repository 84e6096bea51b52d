import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { JetStreamLog } from "../../src/log/jetstream/jetstream_log.ts";
import { NotStoredError, OutcomeUnknownError } from "../../src/log/log.ts";
import { eventually } from "../support/eventually.ts";
import {
  DEAF,
  options,
  payload,
  Session,
  withClient,
} from "../support/jetstream_session.ts";
import { publishRaw } from "../support/nats_raw.ts";
import { NatsServer } from "../support/nats_server.ts";
import { testReplicatedLog } from "./replicated_log_contract.ts";

testReplicatedLog("JetStreamLog", async () => {
  const server = await NatsServer.start();
  return {
    log: () => new JetStreamLog(options(server), DEAF),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

Deno.test("JetStreamLog makes the stream with the contract's settings, and one identity for all replicas", async () => {
  await using server = await NatsServer.start();
  const logs = ["a", "b", "c"].map((replicaId) =>
    new JetStreamLog(options(server, { replicaId }), DEAF)
  );
  const infos = await Promise.all(logs.map((log) => log.open()));
  assert.match(infos[0].id, /^[0-9a-f]{16}$/);
  for (const { id, lastSequence } of infos) {
    assert.deepEqual([id, lastSequence], [infos[0].id, 0]);
  }
  assert.equal(infos.filter(({ isNew }) => isNew).length, 1);
  await Promise.all(logs.map((log) => log.close()));
  const { config } = await withClient(
    server,
    async (client) =>
      (await client.jetstreamManager()).streams.info("USERGRADE"),
  );
  assert.deepEqual(
    {
      subjects: config.subjects,
      storage: config.storage,
      retention: config.retention,
      num_replicas: config.num_replicas,
      deny_delete: config.deny_delete,
      deny_purge: config.deny_purge,
    },
    {
      subjects: ["usergrade.*.set.*"],
      storage: "file",
      retention: "limits",
      num_replicas: 1,
      deny_delete: true,
      deny_purge: false,
    },
  );
  assert.ok(config.duplicate_window >= 60e9);
});

Deno.test("JetStreamLog waits for a stream with wrong settings to be set right, and says what is wrong", async () => {
  await using server = await NatsServer.start();
  await withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    await manager.streams.add({
      name: "USERGRADE",
      subjects: ["usergrade.*.set.*"],
      duplicate_window: 1e9,
    });
    await using session = new Session(server);
    const opened = session.log.open();
    await session.untilReason(
      /duplicate_window is 1000 ms and should be longer/,
    );
    const { config } = await manager.streams.info("USERGRADE");
    assert.equal(config.duplicate_window, 1e9, "it was not mended");
    await manager.streams.update("USERGRADE", {
      ...config,
      duplicate_window: 120e9,
    });
    assert.equal((await opened).lastSequence, 0);
  });
});

Deno.test("JetStreamLog takes a stream made by hand, named by its time of creation", async () => {
  await using server = await NatsServer.start();
  await withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    const { created } = await manager.streams.add({
      name: "USERGRADE",
      subjects: ["usergrade.>"],
    });
    const log = new JetStreamLog(options(server), DEAF);
    assert.equal((await log.open()).id, `USERGRADE@${created}`);
    await log.close();
  });
});

Deno.test("JetStreamLog gives others' entries as bytes, with the log's own time in nanoseconds", async () => {
  await using server = await NatsServer.start();
  await using a = await Session.open(server, { replicaId: "a" });
  await using b = await Session.open(server, { replicaId: "b" });
  await a.propose(1);
  await b.propose(1);
  await eventually(() => {
    assert.equal(a.entries.length, 2);
    assert.equal(b.entries.length, 2);
  });
  assert.deepEqual(a.entries.map(({ batch }) => batch), [1, undefined]);
  assert.deepEqual(b.entries.map(({ batch }) => batch), [undefined, 1]);
  assert.deepEqual(b.entries[0].payload, payload("u1"));
  assert.equal(a.entries[0].time, b.entries[0].time);
  assert.match(
    a.entries[0].time,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/,
  );
  const stored = await withClient(
    server,
    async (client) =>
      (await client.jetstreamManager()).streams.getMessage("USERGRADE", {
        seq: 1,
      }),
  );
  assert.equal(
    stored.timestamp.replace(/0*Z$/, "Z"),
    a.entries[0].time.replace(/0*Z$/, "Z"),
  );
});

Deno.test("JetStreamLog refuses proposals at once while the broker is away, and goes on unaided", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await server.stop();
  await session.until("away");
  await assert.rejects(session.propose(2), NotStoredError);
  await server.start();
  await session.until("connected");
  await session.propose(3);
  await eventually(() =>
    assert.deepEqual(
      session.entries.map(({ sequence, batch }) => [sequence, batch]),
      [[1, 1], [2, 3]],
    )
  );
});

Deno.test("JetStreamLog commits what was in flight when the broker was killed exactly once, or says that it does not know", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server, {
    commitTimeout_ms: 5000,
  });
  let batch = 0;
  const outcomes = new Map<number, "committed" | "not stored" | "unknown">();
  let running = true;
  const proposing = Array.from({ length: 8 }, async () => {
    while (running) {
      const mine = ++batch;
      try {
        await session.propose(mine);
        outcomes.set(mine, "committed");
      } catch (error) {
        outcomes.set(
          mine,
          error instanceof NotStoredError ? "not stored" : "unknown",
        );
        await sleep(20);
      }
    }
  });
  for (let i = 0; i < 3; i++) {
    await sleep(200);
    await server.stop();
    await server.start();
    await session.until("connected");
  }
  await sleep(200);
  running = false;
  await Promise.all(proposing);

  await using reader = await Session.open(server, { replicaId: "reader" });
  await eventually(() =>
    assert.equal(reader.entries.length, reader.log.lastSequence)
  );
  const stored = reader.entries.map(({ payload }) =>
    Number(/u(\d+)/.exec(new TextDecoder().decode(payload))![1])
  );
  assert.equal(new Set(stored).size, stored.length, "an entry came twice");
  for (const [mine, outcome] of outcomes) {
    if (outcome === "unknown") continue;
    assert.equal(stored.includes(mine), outcome === "committed", `${mine}`);
  }
  assert.ok(stored.length > 10);
});

Deno.test("JetStreamLog notices a broker that hangs, and goes on when it wakes", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server, { commitTimeout_ms: 1000 });
  await session.propose(1);
  await server.pause();
  const inFlight = session.propose(2);
  await assert.rejects(inFlight, OutcomeUnknownError);
  await session.until("away");
  await assert.rejects(session.propose(3), NotStoredError);
  server.signal("SIGCONT");
  await session.until("connected");
  await session.propose(4);
  // Batch 2 was waiting in a buffer: it comes back as anyone's entry does.
  await eventually(() =>
    assert.deepEqual(
      session.entries.map(({ batch }) => batch),
      session.entries.length === 3 ? [1, undefined, 4] : [1, 4],
    )
  );
});

Deno.test("JetStreamLog says that it is ahead of a stream that was made anew", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await server.stop();
  server.loseStore();
  await server.start();
  await session.until("ahead_of_log");
  await assert.rejects(session.propose(2), NotStoredError);
  assert.equal(session.entries.length, 1);
});

Deno.test("JetStreamLog says that it is ahead of a stream that lost its tail, and that it is forked when others have written past it", async () => {
  for (const written of [0, 1, 5]) {
    await using server = await NatsServer.start();
    await using session = await Session.open(server);
    await session.propose(1);
    await server.saveStore();
    await session.until("connected");
    for (const batch of [2, 3, 4]) await session.propose(batch);
    await server.stop();
    await server.copyStore("put back");
    // Another replica comes first and writes where ours were.
    const other = server.start().then(() =>
      withClient(server, async (client) => {
        for (let i = 0; i < written; i++) {
          await client.jetstream().publish(
            "usergrade.v1.set.b",
            payload(`other ${i}`),
          );
        }
      })
    );
    await other;
    await session.until(written === 0 ? "ahead_of_log" : "forked");
    assert.equal(session.entries.length, 4);
  }
});

Deno.test("JetStreamLog stops at an entry of a version that it does not know", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await withClient(server, async (client) => {
    const js = client.jetstream();
    await js.publish("usergrade.x.set.b", payload("a stranger's"));
    await js.publish("usergrade.v3.set.b", payload("a later version's"));
    await js.publish("usergrade.v1.set.b", payload("after it"));
  });
  await session.until("upgrade_required");
  assert.deepEqual(session.entries.map(({ sequence }) => sequence), [1, 2]);
  await assert.rejects(session.propose(2), NotStoredError);
});

Deno.test("JetStreamLog says which entry it needs when that is gone, ends nothing, and goes on after a snapshot", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await server.pause();
  await session.until("away");
  server.signal("SIGCONT");
  await session.until("connected");
  // The broker is away for this replica alone while entries come and go.
  await server.stop();
  await session.until("away");
  await withClientOfRestarted(server, async (client) => {
    const js = client.jetstream();
    for (let i = 0; i < 5; i++) {
      await js.publish("usergrade.v1.set.b", payload(`${i}`));
    }
    await (await client.jetstreamManager()).streams.purge("USERGRADE", {
      keep: 1,
    });
  });
  await session.untilReason(
    /begins with entry 6 now, and this replica needs entry 2/,
  );
  assert.equal(session.state, "away");
  assert.equal(session.statuses.at(-1)!.missing, 2);
  await session.goOnAfter(6);
  await session.until("connected");
  await session.propose(2);
  await eventually(() =>
    assert.deepEqual(
      session.entries.map(({ sequence, batch }) => [sequence, batch]),
      [[1, 1], [7, 2]],
    )
  );
  // Whoever is in the middle of the entries goes on elsewhere, too.
  await session.goOnAfter(6);
  await session.until("connected");
  await session.propose(3);
  await eventually(() =>
    assert.deepEqual(
      session.entries.slice(2).map(({ sequence }) => sequence),
      [7, 8],
    )
  );
});

/**
 * Uses the store of a stopped server through another one on another port, and
 * then starts the first again.
 */
async function withClientOfRestarted(
  server: NatsServer,
  use: (client: NatsConnection) => Promise<void>,
): Promise<void> {
  const other = await server.elsewhere();
  await withClient(other, use);
  await other.stop("SIGTERM");
  await server.start();
}

Deno.test("JetStreamLog tells where the log begins when its limits take entries away", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  for (const batch of [1, 2, 3]) await session.propose(batch);
  assert.equal(session.limits?.firstSequence, 1);
  await withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    await manager.streams.purge("USERGRADE", { keep: 1 });
  });
  await eventually(() => assert.equal(session.limits?.firstSequence, 3));
  await session.propose(4);
});

Deno.test("JetStreamLog refuses proposals while a duplicate_window is too short for retries, and goes on when it is set right", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  const setWindow = (milliseconds: number) =>
    withClient(server, async (client) => {
      const manager = await client.jetstreamManager();
      const { config } = await manager.streams.info("USERGRADE");
      await manager.streams.update("USERGRADE", {
        ...config,
        duplicate_window: milliseconds * 1_000_000,
      });
    });
  await setWindow(1_000);
  await session.until("away");
  await eventually(() =>
    assert.match(session.statuses.at(-1)!.reason, /its duplicate_window is/)
  );
  await assert.rejects(session.propose(2), NotStoredError);
  await setWindow(120_000);
  await session.until("connected");
  await session.propose(3);
});

Deno.test("JetStreamLog survives a consumer that is deleted", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    for await (const { name } of manager.consumers.list("USERGRADE")) {
      await manager.consumers.delete("USERGRADE", name);
    }
  });
  await eventually(() =>
    assert.deepEqual(
      session.statuses.map(({ state }) => state),
      ["connected", "away", "connected"],
    )
  );
  await session.propose(2);
  await eventually(() => assert.equal(session.entries.length, 2));
});

Deno.test("JetStreamLog waits for a broker that is not there yet", async () => {
  await using server = await NatsServer.start();
  await server.stop();
  await using session = new Session(server);
  const opened = session.log.open();
  await session.until("away");
  await server.start();
  assert.equal((await opened).lastSequence, 0);
});

Deno.test("JetStreamLog takes entries with headers that are malformed, have a status, or another's message id", async () => {
  await using server = await NatsServer.start();
  await using a = await Session.open(server, { replicaId: "a" });
  await a.propose(1);
  const stored = await withClient(
    server,
    async (client) =>
      (await client.jetstreamManager()).streams.getMessage("USERGRADE", {
        seq: 1,
      }),
  );
  const next = stored.header.get("Nats-Msg-Id").replace(/1$/, "2");
  const subject = "usergrade.v1.set.stranger";
  const text = '[{"user_id":"s"}]';
  for (
    const headers of [
      "NATS/1.0\r\nbad key: x\r\n\r\n",
      "NATS/1.0 503 hello\r\n\r\n",
      "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Stream: 99\r\n\r\n",
      `NATS/1.0\r\nNats-Msg-Id: ${next}\r\n\r\n`,
    ]
  ) await publishRaw(server, subject, headers, text);
  await eventually(() => assert.equal(a.entries.length, 5));
  assert.deepEqual(
    a.entries.map(({ batch }) => batch),
    [1, undefined, undefined, undefined, undefined],
  );
  // The stranger has taken the id: the batch is unknown, and never twice there.
  await assert.rejects(a.propose(2), OutcomeUnknownError);
  await a.propose(3);
  await using b = await Session.open(server, { replicaId: "b" });
  await eventually(() => assert.equal(b.entries.length, 6));
  assert.equal(a.state, "connected");
});

Deno.test("JetStreamLog proposes to its own stream alone, whoever else takes the subject", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    await manager.streams.delete("USERGRADE");
    await manager.streams.add({ name: "OTHER", subjects: ["usergrade.>"] });
    await assert.rejects(session.propose(2));
    const { state } = await manager.streams.info("OTHER");
    assert.equal(state.messages, 0);
  });
});
