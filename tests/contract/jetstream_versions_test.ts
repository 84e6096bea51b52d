import assert from "node:assert/strict";
import type { EntryVersion } from "../../src/log/change.ts";
import { NotStoredError } from "../../src/log/log.ts";
import { eventually } from "../support/eventually.ts";
import { payload, Session, withClient } from "../support/jetstream_session.ts";
import { leastPrivileges } from "../support/least_privileges.ts";
import { NatsServer } from "../support/nats_server.ts";

Deno.test("JetStreamLog tells others' entries of version 2, written by anyone, from those of version 1", async () => {
  await using server = await NatsServer.start();
  await using a = await Session.open(server, { replicaId: "a" });
  await using b = await Session.open(server, { replicaId: "b" });
  await a.propose(1, 2);
  await b.propose(1, 1);
  await withClient(server, async (client) => {
    await client.jetstream().publish("usergrade.v2.set.by-hand", "poison");
  });
  await a.propose(2, 1);
  await eventually(() => {
    for (const { entries } of [a, b]) assert.equal(entries.length, 4);
  });
  const told = (session: Session) =>
    session.entries.map(({ batch, version }) => batch ?? `v${version ?? 1}`);
  assert.deepEqual(told(a), [1, "v1", "v2", 2]);
  assert.deepEqual(told(b), ["v2", 1, "v2", "v1"]);
  assert.deepEqual(b.entries[0].payload, payload("u1"));
});

Deno.test("a stream that takes version 1 alone refuses deletions with what to run, and takes them once it is edited", async () => {
  await using server = await NatsServer.start();
  await withClient(server, async (client) => {
    const { streams } = await client.jetstreamManager();
    await streams.add({ name: "USERGRADE", subjects: ["usergrade.v1.set.*"] });
    await using session = await Session.open(server);
    await assert.rejects(session.propose(1, 2), (error) => {
      assert.ok(error instanceof NotStoredError);
      assert.match(error.message, /nats stream edit USERGRADE --subjects/);
      return true;
    });
    await session.propose(2, 1);
    const { config } = await streams.info("USERGRADE");
    await streams.update("USERGRADE", {
      ...config,
      subjects: ["usergrade.*.set.*"],
    });
    let batch = 2;
    await eventually(() => session.propose(++batch, 2));
    assert.equal(session.statuses.length, 1, "sets could always commit");
  });
});

Deno.test("a user that may not publish entries of version 2 is told so for each deletion, and its sets go on", async () => {
  const permissions = leastPrivileges("a", ["$JS.API.STREAM.CREATE.USERGRADE"])
    .replace('"usergrade.v2.set.a"', "");
  await using server = await NatsServer.start(
    `authorization { users: [{ user: "r", password: "p", ${permissions} }] }`,
  );
  const account = { user: "r", password: "p" };
  await using session = await Session.open(server, account);
  for (const batch of [1, 3, 5]) {
    await assert.rejects(session.propose(batch, 2), (error) => {
      assert.ok(error instanceof NotStoredError);
      assert.match(error.message, /to usergrade\.v2\.set\.a: allow it/);
      return true;
    });
    await session.propose(batch + 1, 1);
  }
  assert.equal(session.statuses.length, 1, "sets could always commit");
});

for (const [before, after] of [[2, 1], [1, 2]] as const) {
  Deno.test(`no entry of version ${after} is written into a stream that has lost this replica's last entry, one of version ${before}`, async () => {
    await using server = await NatsServer.start();
    await using session = await Session.open(server);
    await session.propose(1, after);
    await session.propose(2, before);
    await withClient(server, async (client) => {
      const { streams } = await client.jetstreamManager();
      const { config } = await streams.info("USERGRADE");
      await streams.delete("USERGRADE");
      await streams.add(config);
      // It ends with what was the last entry on the subject of the next one.
      await client.jetstream().publish(`usergrade.v${after}.set.a`, "");
      // The session has not looked since.
      await assert.rejects(session.propose(3, after));
      await eventually(() =>
        assert.match(session.state!, /ahead_of_log|forked/)
      );
      assert.equal((await streams.info("USERGRADE")).state.last_seq, 1);
    });
  });
}

Deno.test("entries of both versions commit in turns, after a cut behind the last one too", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await using other = await Session.open(server, { replicaId: "b" });
  const versions: EntryVersion[] = [1, 2, 1, 1, 2, 2, 1];
  let batch = 0;
  const commit = async () => {
    for (const version of versions) await session.propose(++batch, version);
  };
  await commit();
  for (const number of [1, 2, 3]) await other.propose(number, 2);
  await other.log.trim(batch + 3);
  await commit();
  await eventually(() =>
    assert.deepEqual(
      session.entries.flatMap(({ batch }) => batch ?? []),
      Array.from({ length: 14 }, (_, i) => i + 1),
    )
  );
  assert.equal(session.statuses.length, 1, "it was always connected");
});
