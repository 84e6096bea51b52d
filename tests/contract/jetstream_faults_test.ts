import assert from "node:assert/strict";
import { headers, type JetStreamManager, type NatsConnection } from "nats";
import { MembersChannel } from "../../src/log/jetstream/members_channel.ts";
import { NotStoredError, OutcomeUnknownError } from "../../src/log/log.ts";
import { eventually } from "../support/eventually.ts";
import { payload, Session, withClient } from "../support/jetstream_session.ts";
import { publishRaw } from "../support/nats_raw.ts";
import { NatsServer } from "../support/nats_server.ts";
import { backUpStream, restoreStream } from "../support/stream_backup.ts";

const JETSTREAM = `jetstream { store_dir: "STORE" }`;

/** Runs with a client and its manager. */
async function withManager(
  server: NatsServer,
  use: (manager: JetStreamManager, client: NatsConnection) => Promise<void>,
): Promise<void> {
  await withClient(
    server,
    async (client) => await use(await client.jetstreamManager(), client),
  );
}

/** Edits the stream. */
async function edit(
  manager: JetStreamManager,
  change: Record<string, unknown>,
): Promise<void> {
  const { config } = await manager.streams.info("USERGRADE");
  await manager.streams.update("USERGRADE", { ...config, ...change });
}

/** Whether the server is of this version or a later one. */
function isAtLeast(client: NatsConnection, wanted: string): boolean {
  const parts = (version: string) => version.split(".").map(Number);
  const [major, minor] = parts(client.info!.version);
  const [wantedMajor, wantedMinor] = parts(wanted);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

Deno.test("a broker whose disk is full makes the log unusable within seconds, and a restarted one usable, without a client's help", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server, { commitTimeout_ms: 2_500 });
  await session.propose(1);
  await server.fillDisk(true);
  // The server may have room in a buffer: as many as it takes to find out.
  let outcome: unknown;
  for (let batch = 2; outcome === undefined; batch++) {
    await session.log.propose(batch, payload("x".repeat(200))).catch(
      (error) => outcome = error,
    );
  }
  // Some servers say so, others just say nothing any more.
  assert.ok(
    outcome instanceof OutcomeUnknownError || outcome instanceof NotStoredError,
  );
  await session.until("away");
  await assert.rejects(session.propose(100), NotStoredError);
  await server.stop("SIGKILL");
  await server.start();
  await session.until("connected");
  await session.propose(101);
});

Deno.test("a stream that takes no more makes the log unusable with its reason, and usable when it takes more again, without a client's help", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await withManager(server, async (manager) => {
    await edit(manager, { discard: "new", max_msgs: 1 });
    await assert.rejects(session.propose(2), (error) => {
      assert.ok(error instanceof NotStoredError);
      assert.match(error.message, /maximum messages exceeded/);
      return true;
    });
    await session.untilReason(
      /no set has committed for 3 s: .*maximum messages exceeded/,
    );
    await edit(manager, { max_msgs: -1 });
    await session.until("connected");
    await session.propose(3);
    // What it was tried with changes nothing.
    await eventually(() => assert.equal(session.entries.length, 3));
    assert.equal(
      new TextDecoder().decode(session.entries[1].payload),
      '[{"user_id":"u1"}]',
    );
  });
});

Deno.test("a consumer that someone pauses is replaced", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await withManager(server, async (manager, client) => {
    // Servers before that can't.
    if (!isAtLeast(client, "2.11")) return;
    for await (const { name } of manager.consumers.list("USERGRADE")) {
      await client.request(
        `$JS.API.CONSUMER.PAUSE.USERGRADE.${name}`,
        JSON.stringify({ pause_until: new Date(Date.now() + 60_000) }),
      );
    }
    await client.jetstream().publish("usergrade.v1.set.b", payload("b"));
    await eventually(() => assert.equal(session.entries.length, 2));
    assert.match(
      session.statuses.map(({ reason }) => reason).join(),
      /has entries up to 2, and none came after 1/,
    );
    await session.until("connected");
  });
});

Deno.test("a max_payload that is lowered in use makes batches smaller, and ends nothing", async () => {
  await using server = await NatsServer.start(JETSTREAM, "whole");
  await using session = await Session.open(server);
  await session.propose(1);
  assert.equal(session.limits?.entryBytesMax, 1023 * 1024);
  await server.reload(`${JETSTREAM}\nmax_payload: 65536`);
  await assert.rejects(
    session.log.propose(2, payload("x".repeat(200_000))),
    (error) =>
      error instanceof OutcomeUnknownError || error instanceof NotStoredError,
  );
  await eventually(() => assert.equal(session.limits?.entryBytesMax, 64_512));
  await session.until("connected");
  await assert.rejects(
    session.log.propose(3, payload("x".repeat(200_000))),
    (error) => {
      assert.ok(error instanceof NotStoredError);
      assert.match(error.message, /max_payload, 65536/);
      return true;
    },
  );
  await session.propose(4);
});

Deno.test("permissions that are forgotten for a while, at the start or later, are waited for and named", async () => {
  const open =
    `${JETSTREAM}\nauthorization { users = [{ user: "u", password: "u" }] }`;
  const denied = (subject: string) =>
    `${JETSTREAM}\nauthorization { users = [{ user: "u", password: "u",
      permissions { publish: { deny: ["${subject}"] } } }] }`;
  const login = { user: "u", password: "u" };
  await using server = await NatsServer.start(
    denied("$JS.API.STREAM.CREATE.USERGRADE"),
    "whole",
  );
  await using session = new Session(server, login);
  const opened = session.consume();
  await session.untilReason(
    /not allow to publish to \$JS.API.STREAM.CREATE.USERGRADE, which a replica needs/,
  );
  await server.reload(open);
  await opened;
  await session.until("connected");
  await session.propose(1);
  await server.reload(open.replace(
    'password: "u" }',
    'password: "u", permissions { subscribe: { deny: ["_INBOX.>"] } } }',
  ));
  // The same each time, or each attempt would be told.
  await session.untilReason(
    /not allow to subscribe to _INBOX\.usergrade\.a\.>, which/,
  );
  await server.reload(open);
  await session.until("connected");
  await server.reload(denied("$JS.API.STREAM.INFO.USERGRADE"));
  await session.until("away");
  await session.untilReason(/STREAM.INFO.USERGRADE, which a replica needs/);
  await server.reload(open);
  await session.until("connected");
  await session.propose(2);
});

Deno.test("a permission to answer consumers that is missing is named as it is to be given", async () => {
  await using server = await NatsServer.start(
    `${JETSTREAM}\nauthorization { users = [
      { user: "maker", password: "u" }
      { user: "u", password: "u",
        permissions { publish: { deny: ["$JS.FC.>"] } } }
    ] }`,
    "whole",
  );
  {
    await using maker = await Session.open(server, {
      user: "maker",
      password: "u",
    });
    const large = payload("a".repeat(500_000));
    for (let batch = 1; batch <= 12; batch++) {
      await maker.log.propose(batch, large);
    }
  }
  await using session = new Session(server, { user: "u", password: "u" });
  await session.consume();
  const named =
    /not allow to publish to \$JS\.FC\.USERGRADE\.>, which a replica needs/;
  // It goes on over another consumer.
  await eventually(() =>
    assert.ok(session.statuses.some(({ reason }) => named.test(reason)))
  );
});

Deno.test("JetStream that is not enabled yet is waited for and named", async () => {
  await using server = await NatsServer.start("", "whole");
  await using session = new Session(server);
  const opened = session.consume();
  await session.untilReason(/JetStream is not available/);
  await server.stop();
  server.configure(JETSTREAM);
  await server.start();
  await opened;
  await session.until("connected");
});

Deno.test("a last entry that is removed ends nothing, and is named at the next start", async () => {
  await using server = await NatsServer.start();
  // By hand: a stream that a replica makes does not let entries be removed.
  await withManager(server, async (manager) => {
    await manager.streams.add({
      name: "USERGRADE",
      subjects: ["usergrade.*.set.*"],
    });
  });
  await using session = await Session.open(server);
  for (const batch of [1, 2]) await session.propose(batch);
  await withManager(server, async (manager) => {
    await manager.streams.deleteMessage("USERGRADE", 2);
  });
  await using late = new Session(server, { replicaId: "late" });
  await late.consume();
  await late.untilReason(/entry 2 was deleted .* PEERS/);
  // From a base that has the entry it goes on.
  await using based = await Session.open(server, { replicaId: "based" }, 2);
  await server.stop();
  await server.start();
  await session.until("away");
  for (const one of [session, based]) {
    await one.until("connected");
    await one.propose(3);
  }
  await eventually(() => assert.equal(session.entries.length, 4));
});

Deno.test("a stream that was restored from a backup with nothing lost is still the log", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  for (const batch of [1, 2]) await session.propose(batch);
  await withManager(server, async (manager, client) => {
    const backup = await backUpStream(client, "USERGRADE");
    await manager.streams.delete("USERGRADE");
    await session.until("ahead_of_log");
    await restoreStream(client, "USERGRADE", backup);
    await session.until("connected");
    await session.propose(3);
    await eventually(() => assert.equal(session.entries.length, 3));
  });
});

Deno.test("a broker that starts before its volume is mounted makes a replica ahead of the log until it is there", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await server.stop("SIGTERM");
  server.moveStore("aside");
  await server.start();
  await session.until("ahead_of_log");
  await assert.rejects(session.propose(2), NotStoredError);
  await server.stop("SIGTERM");
  server.moveStore("back");
  await server.start();
  await session.until("connected");
  await session.propose(3);
});

Deno.test("a description that a tool rewrites gets the log's id back, with a warning, and the log goes on", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  await withManager(server, async (manager) => {
    const { config } = await manager.streams.info("USERGRADE");
    await edit(manager, { description: "the grades" });
    await eventually(async () => {
      const { config: now } = await manager.streams.info("USERGRADE");
      assert.equal(now.description, config.description);
    });
    await eventually(() =>
      assert.match(
        session.warnings.join(),
        /lost the log's id; .* written back/,
      )
    );
    await session.until("connected");
    await session.propose(2);
    await eventually(() => assert.equal(session.entries.length, 2));
    assert.equal(session.warnings.length, 1);
  });
});

Deno.test("heartbeats that NATS does not allow to send, or to hear, are exchanged again once it does", async () => {
  const users = (permissions: string) =>
    `${JETSTREAM}
     authorization { users = [
       { user: "u", password: "u", permissions { ${permissions} } }
     ] }`;
  await using server = await NatsServer.start(users(""), "whole");
  const told: string[] = [];
  let heard = 0;
  const members = new MembersChannel("USERGRADE", "a", {
    heard: () => heard++,
    joined: () => told.push("joined"),
    left: () => told.push("left"),
    off: (reason) => told.push(reason),
    on: () => told.push("on"),
    dropped: () => {},
  }, 50);
  await using session = await Session.open(
    server,
    { user: "u", password: "u" },
    0,
    members,
  );
  const sendUntilHeard = async () => {
    heard = 0;
    await eventually(() => {
      const sure = payload("sure");
      session.log.sendHeartbeat({ admitted: undefined, sure, unsure: sure });
      assert.ok(heard > 0);
    });
  };
  await sendUntilHeard();
  for (const kind of ["publish", "subscribe"]) {
    told.length = 0;
    await server.reload(users(`${kind}: { deny: "usergrade-replicas.>" }`));
    await eventually(() => {
      members.send(payload("another"));
      assert.match(
        told.join(),
        RegExp(
          `^NATS does not allow to ${kind} to usergrade-replicas\\.[a*]: allow`,
        ),
      );
    });
    await server.reload(users(""));
    if (kind === "publish") {
      // Anyone's on this replica's subject shows nothing.
      heard = 0;
      await withClient(server, async (client) => {
        client.publish("usergrade-replicas.a", "a stranger's");
        await client.flush();
      }, { user: "u", pass: "u" });
      await eventually(() => assert.ok(heard > 0));
      assert.equal(told.length, 1);
    }
    await sendUntilHeard();
    assert.deepEqual(told.slice(1), ["on"]);
  }
});

Deno.test("a stream that is sealed, or that transforms subjects, is called that, and others hear that the replica is not sure of its log", async () => {
  await using server = await NatsServer.start();
  const heard: string[] = [];
  const members = new MembersChannel("USERGRADE", "a", {
    heard: (_id, bytes) => heard.push(new TextDecoder().decode(bytes)),
    joined: () => {},
    left: () => {},
    off: () => {},
    on: () => {},
    dropped: () => {},
  });
  await using session = await Session.open(server, {}, 0, members);
  const [sure, unsure] = [payload("sure"), payload("unsure")];
  session.log.sendHeartbeat({ admitted: undefined, sure, unsure });
  await session.propose(1);
  await withManager(server, async (manager, client) => {
    if (isAtLeast(client, "2.10")) {
      await edit(manager, {
        subject_transform: { src: "usergrade.>", dest: "other.>" },
      });
      await session.untilReason(/has a subject_transform/);
      await edit(manager, { subject_transform: undefined });
      await session.until("connected");
    }
    await edit(manager, { sealed: true });
    await session.untilReason(/it is sealed/);
  });
  session.log.sendHeartbeat({ admitted: undefined, sure, unsure });
  await eventually(() =>
    assert.deepEqual(
      heard.map((text) => JSON.parse(text)[0].user_id),
      ["sure", "unsure"],
    )
  );
});

Deno.test("strangers' messages on the subjects where answers are awaited neither end the connection nor make a stored set refused", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await withClient(server, async (client) => {
    const bad = { code: 400, err_code: 10077, description: "forged" };
    let answered = 0;
    const answer = async (reply: string) => {
      answered++;
      client.publish(reply, JSON.stringify({ error: bad }));
      for (const text of ["thanks", "null", "[]", '{"error":1}']) {
        client.publish(reply, text);
      }
      const odd = headers(503, "No Responders");
      client.publish(reply, "", { headers: odd });
      await publishRaw(server, reply, "NATS/1.0\r\nbad key: x\r\n\r\n", "");
    };
    for (const subject of ["usergrade.v1.>", "$JS.API.>"]) {
      client.subscribe(subject, {
        callback: (_error, { reply }) => {
          if (reply !== undefined) answer(reply).catch(() => {});
        },
      });
    }
    await client.flush();
    for (let batch = 1; batch <= 10; batch++) await session.propose(batch);
    // Long enough for some looks at the stream, which are answered too.
    await eventually(() => assert.ok(answered >= 12));
    for (let batch = 11; batch <= 15; batch++) await session.propose(batch);
    await eventually(() => assert.equal(session.entries.length, 15));
  });
});

Deno.test("a wall clock that is set back does not keep a replica from the broker", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await session.propose(1);
  const { now } = Date;
  Date.now = () => now() - 3_600_000;
  try {
    await server.stop();
    await session.until("away");
    await server.start();
    await session.until("connected");
    await session.propose(2);
  } finally {
    Date.now = now;
  }
});

Deno.test("nothing is written into a stream that has lost what was applied under a connection that lives, by a replica that never wrote there either", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  for (const batch of [1, 2, 3]) await session.propose(batch);
  await using idle = await Session.open(server, { replicaId: "b" });
  await eventually(() => assert.equal(idle.entries.length, 3));
  await withClient(server, async (client) => {
    const { streams } = await client.jetstreamManager();
    const { config } = await streams.info("USERGRADE");
    await streams.delete("USERGRADE");
    await streams.add(config);
    // The session has not looked since.
    await assert.rejects(session.propose(4));
    await assert.rejects(idle.propose(1));
    await session.until("ahead_of_log");
    await idle.until("ahead_of_log");
    assert.equal((await streams.info("USERGRADE")).state.last_seq, 0);
  });
});

Deno.test("a batch is stored although the log was cut behind this replica's last entry a moment ago", async () => {
  await using server = await NatsServer.start();
  await using session = await Session.open(server);
  await using other = await Session.open(server, { replicaId: "b" });
  await session.propose(1);
  for (const batch of [1, 2, 3]) await other.propose(batch);
  await other.log.trim(3);
  await session.propose(2);
  assert.equal(session.state, "connected");
});
