import assert from "node:assert/strict";
import { STALL_AFTER_MS } from "../../../src/log/jetstream/commit_health.ts";
import { RETRY_MS } from "../../../src/log/jetstream/link.ts";
import {
  LOOK_MS,
  PROGRESS_MAX_MS,
  SILENCE_MAX_MS,
} from "../../../src/log/jetstream/liveness.ts";
import { OWN_RECENT_MS } from "../../../src/log/jetstream/own_entries.ts";
import { PLACEMENTS_MAX } from "../../../src/log/jetstream/placement.ts";
import { PROBE_BATCH } from "../../../src/log/jetstream/session_actions.ts";
import type { StoredEntry } from "../../../src/log/jetstream/stream_look.ts";
import { LACK_COUNTS_MS } from "../../../src/log/jetstream/log_opener.ts";
import { AHEAD_LOOK_MS } from "../../../src/log/jetstream/log_follower.ts";
import { ANSWER_MAX_MS } from "../../../src/log/jetstream/requests.ts";
import { SUSPICION_MS } from "../../../src/log/jetstream/suspicion.ts";
import {
  NO_RETENTION,
  NotStoredError,
  OutcomeUnknownError,
} from "../../../src/log/log.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";
import { entry, LOOK, SessionDriver } from "./session_driver.ts";

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name: `Session ${name}`, permissions: "none", fn });
}

const PAYLOAD = new TextEncoder().encode('[{"user_id":"a"}]');

test("opens a stream that is there, and says what it is", () => {
  const driver = new SessionDriver();
  driver.connect();
  driver.look({ firstSequence: 3, lastSequence: 9 });
  assert.deepEqual(driver.take("opened").info, {
    id: "0123456789abcdef",
    isNew: false,
    firstSequence: 3,
    lastSequence: 9,
  });
  driver.pass(10_000);
  assert.deepEqual(driver.actions, []);
});

test("makes a stream that is not there", () => {
  const driver = new SessionDriver();
  driver.connect();
  driver.look(null);
  const { request, id } = driver.take("make_stream");
  assert.equal(id, "s");
  // Another replica was faster.
  driver.tell({ type: "looked", request, look: LOOK });
  const { info } = driver.take("opened");
  assert.deepEqual([info.lastSequence, info.isNew], [0, false]);
});

test("makes a stream under the wanted identity, and gives it to one that has had no entry", () => {
  const id = "fedcba9876543210";
  const driver = new SessionDriver();
  driver.join();
  driver.tell({ type: "open", id });
  driver.look(null);
  const making = driver.take("make_stream");
  assert.equal(making.id, id);
  // Another replica was faster, and its log is empty.
  driver.tell({ type: "looked", request: making.request, look: LOOK });
  const renaming = driver.take("rename_stream");
  assert.equal(renaming.id, id);
  driver.tell({ type: "failed", request: renaming.request, reason: "slow" });
  driver.pass(RETRY_MS);
  driver.look();
  driver.tell({
    type: "looked",
    request: driver.take("rename_stream").request,
    // It has got an entry meanwhile, and kept its own.
    look: { ...LOOK, lastSequence: 1 },
  });
  const { info } = driver.take("opened");
  assert.deepEqual([info.id, info.lastSequence], ["0123456789abcdef", 1]);
});

test("tells which log it is where a replica that has applied nothing finds a fence in another one, made anew or not", () => {
  const id = "fedcba9876543210";
  const fence = {
    sequence: 120,
    digest: "a".repeat(16),
    at: 1,
    time: "2026-11-26T08:00:00Z",
  };
  for (const created of [LOOK.created, "2026-11-26T08:00:00Z"]) {
    const driver = new SessionDriver();
    driver.open();
    driver.look({
      created,
      config: newStreamConfig("USERGRADE", 1, id),
      lastSequence: 1,
      fences: [fence],
    });
    assert.equal(driver.take("limits").limits.id, id);
    const { status } = driver.take("status");
    assert.equal(status.state, "healing", status.reason);
    assert.equal(status.loss?.type, "fenced");
  }
});

test("makes no stream where the one that it found is gone since: others may have applied it", () => {
  const driver = new SessionDriver();
  driver.tell({ type: "find" });
  driver.join();
  driver.look({ lastSequence: 5 });
  assert.equal(driver.take("found").info?.lastSequence, 5);
  driver.tell({ type: "open" });
  driver.look(null);
  assert.ok(!driver.wants("make_stream"));
  assert.match(
    driver.session.status.reason,
    /gone since this replica found it/,
  );
  driver.pass(RETRY_MS);
  driver.look({ lastSequence: 5 });
  assert.equal(driver.take("opened").info.lastSequence, 5);
});

test("makes no stream before it was looked for again where it was missing over another connection, or long ago", () => {
  const losses: ((driver: SessionDriver) => void)[] = [
    (driver) => {
      driver.disconnect();
      driver.join();
    },
    (driver) => driver.pass(LACK_COUNTS_MS),
  ];
  for (const lose of losses) {
    const driver = new SessionDriver();
    driver.tell({ type: "find" });
    driver.join();
    driver.look(null);
    driver.take("found");
    lose(driver);
    driver.tell({ type: "open" });
    driver.look(null);
    driver.take("find_again");
    assert.ok(!driver.wants("make_stream"));
    driver.pass(20_000);
    assert.ok(!driver.wants("look"));
    driver.tell({ type: "find" });
    driver.look(null);
    driver.take("found");
    driver.tell({ type: "open" });
    driver.look(null);
    driver.take("make_stream");
  }
});

test("asks nothing of the stream, and makes none, before it is wanted", () => {
  const driver = new SessionDriver();
  driver.join();
  driver.pass(20_000);
  assert.deepEqual(driver.actions, []);
  assert.ok(driver.session.isSure);
  driver.tell({ type: "find" });
  driver.look(null);
  assert.equal(driver.take("found").info, undefined);
  driver.pass(20_000);
  assert.deepEqual(driver.actions, []);
  driver.tell({ type: "find" });
  driver.look({ firstSequence: 3, lastSequence: 9 });
  assert.deepEqual(driver.take("found").info, {
    id: "0123456789abcdef",
    isNew: false,
    firstSequence: 3,
    lastSequence: 9,
  });
  driver.tell({ type: "open" });
  driver.look();
  assert.equal(driver.take("opened").info.lastSequence, 0);
});

test("looks for no stream any more once the log is open", () => {
  const driver = new SessionDriver();
  driver.connect();
  driver.look();
  driver.take("opened");
  driver.tell({ type: "open" });
  driver.tell({ type: "find" });
  driver.pass(20_000);
  assert.deepEqual(driver.actions, []);
});

test("finds the stream over the next connection, when the first is lost", () => {
  const driver = new SessionDriver();
  driver.tell({ type: "find" });
  driver.join();
  driver.disconnect();
  driver.take("look");
  driver.join();
  driver.look(null);
  assert.equal(driver.take("found").info, undefined);
});

test("starts a consumer after the last entry that it is told of", () => {
  const driver = new SessionDriver();
  driver.open(7);
  assert.deepEqual(driver.actions.at(-1), {
    type: "look",
    request: 2,
    question: { identify: undefined, require: 8, fences: true },
  });
  driver.look({ lastSequence: 9 });
  assert.equal(driver.take("start_consumer").first, 8);
  assert.equal(driver.session.feed.lastSequence, 9);
  assert.equal(driver.session.status.state, "away");
});

test("asks again when the broker does not answer, at once told or not", () => {
  const driver = new SessionDriver();
  driver.connect();
  driver.failLook();
  assert.match(driver.take("status").status.reason, /TIMEOUT/);
  driver.pass(RETRY_MS - 100);
  assert.ok(!driver.wants("look"));
  driver.pass(100);
  const second = driver.take("look");
  driver.pass(ANSWER_MAX_MS + RETRY_MS);
  // Late: the next look is under way.
  driver.tell({ type: "looked", request: second.request, look: undefined });
  assert.ok(!driver.wants("make_stream"));
  driver.look();
  driver.take("opened");
});

test("proposes while entries come, and refuses at once while they do not", async () => {
  const driver = new SessionDriver();
  driver.open();
  await assert.rejects(
    driver.session.propose(1, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  driver.look();
  driver.start();
  const ended = driver.session.propose(2, PAYLOAD, driver.now_ms);
  driver.pass(100);
  assert.equal(driver.take("publish").batch, 2);
  driver.receive(entry(1, { messageId: "s:2" }));
  await ended;
  driver.disconnect();
  await assert.rejects(
    driver.session.propose(3, PAYLOAD, driver.now_ms),
    /the connection to NATS is lost: cut/,
  );
});

test("publishes a batch again when it does not come back, and when a new consumer starts", () => {
  const driver = new SessionDriver();
  driver.feed();
  driver.session.propose(1, PAYLOAD, driver.now_ms).catch(() => {});
  driver.passWithHeartbeats(500);
  driver.take("publish");
  assert.ok(!driver.wants("publish"));
  driver.passWithHeartbeats(1_000);
  driver.take("publish");
  driver.disconnect();
  driver.connect();
  driver.look();
  assert.ok(!driver.wants("publish"));
  driver.start();
  driver.take("publish");
});

test("looks and starts a new consumer after a gap, a silence, and a lost connection", () => {
  const causes: [string, (driver: SessionDriver) => void][] = [
    ["gap", (driver) => driver.receive(entry(9))],
    ["silence", (driver) => {
      driver.pass(SILENCE_MAX_MS + 100);
      // One that was due meanwhile.
      driver.take("look");
    }],
    ["connection", (driver) => {
      driver.disconnect();
      driver.connect();
    }],
    [
      "complaint",
      (driver) => driver.tell({ type: "complained", reason: "something" }),
    ],
  ];
  for (const [cause, happen] of causes) {
    const driver = new SessionDriver();
    driver.feed(7);
    happen(driver);
    assert.equal(driver.take("status").status.state, "away", cause);
    driver.look({ lastSequence: 8 });
    assert.equal(driver.take("start_consumer").first, 8, cause);
  }
});

test("does not mind silence that is shorter than it may be", () => {
  const driver = new SessionDriver();
  driver.feed();
  driver.passWithHeartbeats(LOOK_MS - 100);
  driver.pass(SILENCE_MAX_MS - 500);
  assert.ok(!driver.wants("status"));
});

test("judges the stream by what was applied when it was asked", () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.receive(entry(8, { messageId: "x:1" }));
  driver.receive(entry(10));
  const { request, question } = driver.take("look");
  assert.deepEqual(question, { identify: 8, require: 9, fences: true });
  // The consumer from before still gives entries.
  driver.receive(entry(9, { messageId: "x:2" }));
  driver.tell({
    type: "looked",
    request,
    look: {
      ...LOOK,
      lastSequence: 10,
      identified: { ...ENTRY_8, messageId: "x:1" },
    },
  });
  assert.equal(driver.take("start_consumer").first, 10);
});

const ENTRY_8: StoredEntry = {
  sequence: 8,
  time: "2023-11-14T22:13:28.000000000Z",
  messageId: "",
  subject: "usergrade.v1.set.a",
  data: new TextEncoder().encode('[{"user_id":"u8"}]'),
};

test("is ahead of a stream that lost what was applied, abandons what is under way, and goes on when it is back", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.disconnect();
  driver.connect();
  driver.look({ lastSequence: 6 });
  assert.equal(driver.session.status.state, "ahead_of_log");
  driver.take("stop_consumer");
  await assert.rejects(ended, OutcomeUnknownError);
  // The others still hear of this one, and being cut off changes nothing.
  assert.ok(driver.session.isSure);
  driver.disconnect(2);
  driver.connect();
  driver.failLook();
  assert.equal(driver.session.status.state, "ahead_of_log");
  driver.pass(RETRY_MS);
  driver.look(null);
  assert.match(driver.session.status.reason, /is gone/);
  driver.pass(AHEAD_LOOK_MS);
  driver.look({ lastSequence: 8 });
  assert.equal(driver.take("start_consumer").first, 8);
});

test("throws a consumer away that gives another entry than the stream's leader has", () => {
  const driver = new SessionDriver();
  driver.open(7);
  const required = {
    sequence: 8,
    time: "2023-11-14T22:13:28.000000000Z",
    messageId: "",
    subject: "usergrade.v1.set.a",
    data: new Uint8Array(0),
  };
  const other = { ...required, time: "2026-01-01T00:00:00.000000000Z" };
  driver.look({ lastSequence: 8, required: other });
  driver.start();
  driver.receive(entry(8));
  assert.equal(driver.session.feed.fed, 7);
  assert.match(driver.session.status.reason, /do not agree yet/);
  driver.take("stop_consumer");
  driver.pass(RETRY_MS);
  driver.look({ lastSequence: 8, required });
  driver.start();
  driver.receive(entry(8));
  assert.equal(driver.session.feed.fed, 8);
});

test("says which entry is missing, ends the batches under way as unknown, and looks again", async () => {
  for (
    const hole of [
      { isRequiredMissing: true, lastSequence: 8 },
      { firstSequence: 9, lastSequence: 9 },
      // Servers that have yet to agree take no cut back.
      {
        firstSequence: 9,
        lastSequence: 9,
        config: { ...LOOK.config, num_replicas: 3 },
      },
    ]
  ) {
    const driver = new SessionDriver();
    driver.feed(7);
    const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
    driver.disconnect();
    driver.connect();
    driver.take("status");
    driver.look(hole);
    await assert.rejects(ended, OutcomeUnknownError);
    const { status } = driver.take("status");
    assert.deepEqual([status.state, status.missing], ["away", 8]);
    assert.match(status.reason, /entry 8/);
    driver.pass(AHEAD_LOOK_MS);
    driver.look({ lastSequence: 8 });
    driver.start();
    assert.equal(driver.session.status.missing, undefined);
  }
});

test("looks again at once where the entry has come since the stream was asked", () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.receive(entry(10));
  driver.receive(entry(8));
  driver.look({ firstSequence: 9, lastSequence: 9 });
  assert.ok(driver.wants("look"));
  assert.equal(driver.session.status.missing, undefined);
});

test("consumes after a snapshot when it is told to, and nothing from before is heard any more", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.receive(entry(8, { messageId: "x:1" }));
  driver.receive({ ...entry(0), reply: "flow", subject: "inbox" });
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.passWithHeartbeats(LOOK_MS);
  const aside = driver.take("look");
  const { feed } = driver.session;
  assert.ok(!feed.isEmpty);
  driver.tell({ type: "consume", after: 20, time: null });
  await assert.rejects(ended, OutcomeUnknownError);
  assert.deepEqual([feed.isEmpty, feed.fed, feed.last], [true, 20, undefined]);
  driver.take("stop_consumer");
  assert.match(driver.take("status").status.reason, /snapshot at sequence 20/);
  await assert.rejects(
    driver.session.propose(2, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  driver.tell({ type: "looked", request: aside.request, look: LOOK });
  driver.receive(entry(9));
  driver.look({ firstSequence: 15, lastSequence: 22 });
  assert.equal(driver.take("start_consumer").first, 21);
  assert.ok(feed.isEmpty);
});

test("consumes after a snapshot once NATS is back, and not at all after an entry that it does not know", () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.disconnect();
  driver.take("status");
  driver.tell({ type: "consume", after: 20, time: null });
  assert.match(driver.session.status.reason, /lost/);
  driver.connect();
  driver.look({ lastSequence: 20 });
  assert.equal(driver.take("start_consumer").first, 21);

  const over = new SessionDriver();
  over.feed(7);
  over.receive(entry(8, { subject: "usergrade.v9.set.b" }));
  over.tell({ type: "consume", after: 20, time: null });
  over.pass(ANSWER_MAX_MS);
  assert.ok(!over.wants("look"));
  assert.equal(over.session.status.state, "upgrade_required");
});

test("waits, and says for what, while an administrator has to put something right at the first start", () => {
  const driver = new SessionDriver();
  const says = (reason: RegExp) =>
    assert.match(driver.take("status").status.reason, reason);
  driver.pass(100);
  driver.take("connect");
  driver.tell({
    type: "disconnected",
    attempt: 1,
    reason: "refused",
    isRefused: true,
  });
  says(/^refused$/);
  driver.connect();
  driver.failLook("JetStream is not available");
  says(/JetStream is not available/);
  driver.pass(RETRY_MS);
  const { request } = driver.take("look");
  driver.tell({ type: "forbidden", subject: "$JS.API.STREAM.INFO.USERGRADE" });
  says(/not allow to publish to \$JS.API.STREAM.INFO.USERGRADE, which/);
  driver.tell({ type: "failed", request, reason: "late" });
  driver.pass(RETRY_MS);
  driver.look({ config: { ...LOOK.config, storage: "memory" } });
  says(/storage is memory/);
  driver.pass(RETRY_MS);
  driver.look({ maxPayload_bytes: 1024 * 1024 - 1 });
  says(/max_payload is 1048575 and must be at least 1048576/);
  driver.pass(RETRY_MS);
  driver.look();
  driver.take("opened");
});

test("starts a new consumer when the stream has more and nothing comes but heartbeats", () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.passWithHeartbeats(LOOK_MS);
  driver.look({ lastSequence: 9 });
  driver.passWithHeartbeats(PROGRESS_MAX_MS + 500);
  assert.match(
    driver.take("status").status.reason,
    /has entries up to 9, and none came after 7/,
  );
});

test("is not usable when no set commits, tries it by itself, and is usable again", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.receive(entry(8, { messageId: "x:1" }));
  driver.session.propose(1, PAYLOAD, driver.now_ms).catch(() => {});
  const until = (type: "status" | "publish") => {
    for (let i = 0; i < 100 && !driver.wants(type); i++) {
      driver.passWithHeartbeats(500);
    }
    return driver;
  };
  driver.passWithHeartbeats(500);
  driver.take("publish");
  const { status } = until("status").take("status");
  assert.equal(status.state, "away");
  assert.match(status.reason, /no set has committed for 3 s/);
  assert.ok(driver.session.isSure);
  await assert.rejects(
    driver.session.propose(2, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  let publish;
  do publish = until("publish").take("publish"); while (
    publish.batch !== PROBE_BATCH
  );
  assert.equal(publish.after, 8);
  // That the log has moved on is no refusal.
  driver.tell({ type: "refused", batch: PROBE_BATCH, reason: "wrong last" });
  driver.receive(entry(9, { messageId: publish.messageId }));
  assert.equal(driver.take("status").status.state, "connected");
  assert.equal(driver.session.feed.take().read.entries[1].batch, undefined);
});

test("stays unusable with a new consumer while no set commits, and is tried again with a new connection", () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.session.propose(1, PAYLOAD, driver.now_ms).catch(() => {});
  driver.passWithHeartbeats(STALL_AFTER_MS + 500);
  const start = () => {
    const { request } = driver.take("start_consumer");
    driver.tell({ type: "consumer_started", request });
    return driver.session.status.state;
  };
  driver.actions.length = 0;
  driver.receive(entry(9));
  driver.look({ lastSequence: 9 });
  assert.equal(start(), "away");
  assert.match(driver.session.status.reason, /no set has committed/);
  driver.disconnect();
  driver.actions.length = 0;
  driver.connect();
  driver.look({ lastSequence: 9 });
  assert.equal(start(), "connected");
});

test("confirms a refusal by a look, and gives its reason", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  let error: unknown;
  ended.catch((reason) => error = reason);
  driver.pass(100);
  driver.tell({ type: "refused", batch: 1, reason: "maximum bytes exceeded" });
  driver.look({ lastSequence: 7 });
  driver.pass(100);
  await Promise.resolve();
  assert.equal(error, undefined);
  driver.pass(300);
  await assert.rejects(ended, NotStoredError);
});

test("lets the first batch of a replica follow the log's last entry, or any other that a look finds to be the log's", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.pass(100);
  const first = driver.take("publish");
  assert.deepEqual([first.after, first.afterTime], [7, undefined]);
  driver.tell({ type: "refused", batch: 1, reason: "wrong last sequence: 8" });
  driver.receive(entry(8, { subject: "usergrade.v1.set.b" }));
  driver.pass(100);
  driver.look({ lastSequence: 8, fences: [], identified: ENTRY_8 });
  const { after, lastOwn, messageId } = driver.take("publish");
  assert.deepEqual([after, lastOwn], [undefined, undefined]);
  driver.receive(entry(9, { messageId }));
  await ended;
});

test("names the log's last entry again while nothing shows that the log has gone on, since the look may have met a server that has not heard of a loss", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.pass(100);
  const refuse = () =>
    driver.tell({
      type: "refused",
      batch: 1,
      reason: "wrong last sequence: 2",
    });
  assert.equal(driver.take("publish").after, 7);
  refuse();
  driver.look({ lastSequence: 7, fences: [] });
  assert.equal(driver.take("publish").after, 7);
  refuse();
  assert.ok(!driver.wants("publish"));
  driver.passWithHeartbeats(1_500);
  assert.equal(driver.take("publish").after, 7);
  driver.receive(entry(8, { subject: "usergrade.v1.set.b" }));
  refuse();
  const { after, messageId } = driver.take("publish");
  assert.equal(after, undefined);
  driver.receive(entry(9, { messageId }));
  await ended;
});

test("names the log's last entry where its own last one is missing, until the log has gone on", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const first = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.pass(100);
  driver.take("publish");
  driver.receive(entry(8, { messageId: "s:1" }));
  await first;
  const ended = driver.session.propose(2, PAYLOAD, driver.now_ms);
  driver.pass(100);
  assert.deepEqual(driver.take("publish").lastOwn, { sequence: 8, version: 1 });
  const refuse = () =>
    driver.tell({
      type: "refused",
      batch: 2,
      reason: "wrong last sequence: 0",
    });
  refuse();
  driver.look({ lastSequence: 8, fences: [] });
  const second = driver.take("publish");
  assert.deepEqual([second.after, second.lastOwn], [8, undefined]);
  refuse();
  assert.ok(!driver.wants("publish"));
  driver.receive(entry(9, { subject: "usergrade.v1.set.b" }));
  driver.pass(100);
  const { after, messageId } = driver.take("publish");
  assert.equal(after, undefined);
  driver.receive(entry(10, { messageId }));
  await ended;
});

test("names the log's last entry after a while in which only others wrote, since its own last one may be in a stream that was restored from an older backup", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const propose = (batch: number) => {
    const ended = driver.session.propose(batch, PAYLOAD, driver.now_ms);
    driver.pass(100);
    return { ended, ...driver.take("publish") };
  };
  const first = propose(1);
  driver.receive(entry(8, { messageId: first.messageId }));
  await first.ended;
  driver.passWithHeartbeats(OWN_RECENT_MS + 500);
  // Nobody else has written: its own entry is the last one.
  const second = propose(2);
  assert.deepEqual(second.lastOwn, { sequence: 8, version: 1 });
  driver.receive(entry(9, { messageId: second.messageId }));
  await second.ended;
  driver.receive(entry(10, { subject: "usergrade.v1.set.b" }));
  driver.passWithHeartbeats(OWN_RECENT_MS - 500);
  const third = propose(3);
  assert.deepEqual(third.lastOwn, { sequence: 9, version: 1 });
  driver.receive(entry(11, { messageId: third.messageId }));
  await third.ended;
  driver.receive(entry(12, { subject: "usergrade.v1.set.b" }));
  driver.passWithHeartbeats(OWN_RECENT_MS + 500);
  const fourth = propose(4);
  assert.deepEqual([fourth.lastOwn, fourth.after], [undefined, 12]);
  driver.receive(entry(13, { messageId: fourth.messageId }));
  await fourth.ended;
});

test("says what its first batch follows, and says it of no other one", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.receive(entry(8, { subject: "usergrade.v1.set.b" }));
  const propose = (batch: number) => {
    const ended = driver.session.propose(batch, PAYLOAD, driver.now_ms);
    driver.pass(100);
    return { ended, ...driver.take("publish") };
  };
  const first = propose(1);
  assert.equal(first.after, 8);
  assert.equal(first.afterTime, driver.session.feed.last!.time);
  driver.receive(entry(9, { messageId: first.messageId }));
  await first.ended;
  const second = propose(2);
  assert.deepEqual([second.after, second.afterTime], [undefined, undefined]);
  driver.receive(entry(10, { messageId: second.messageId }));
  await second.ended;
});

test("asks no further look while one is under way, so that a slow answer confirms a refusal too", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.pass(100);
  driver.take("publish");
  driver.tell({ type: "refused", batch: 1, reason: "wrong last sequence: 8" });
  driver.receive(entry(8, { subject: "usergrade.v1.set.b" }));
  const { request } = driver.take("look");
  driver.passWithHeartbeats(LOOK_MS + 500);
  assert.ok(!driver.wants("look"));
  const look = { ...LOOK, lastSequence: 8, fences: [], identified: ENTRY_8 };
  driver.tell({ type: "looked", request, look });
  const { messageId } = driver.take("publish");
  driver.receive(entry(9, { messageId }));
  await ended;
  // The next one is overdue.
  driver.passWithHeartbeats(500);
  driver.take("look");
  driver.passWithHeartbeats(ANSWER_MAX_MS - 1_000);
  assert.ok(!driver.wants("look"));
  // An answer that does not come is not waited for any longer.
  driver.passWithHeartbeats(2_000);
  assert.ok(driver.wants("look"));
});

test("looks on in time after a connection was lost with a look under way", () => {
  const driver = new SessionDriver();
  driver.feed(7);
  driver.passWithHeartbeats(LOOK_MS);
  driver.take("look");
  driver.disconnect();
  driver.actions.length = 0;
  driver.join();
  driver.look({ lastSequence: 7 });
  driver.start();
  driver.passWithHeartbeats(LOOK_MS);
  driver.take("look");
});

test("names its last own entry in each attempt of a batch, so that none is stored where that is lost, and none where several are under way", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const propose = (batch: number) => {
    const ended = driver.session.propose(batch, PAYLOAD, driver.now_ms);
    driver.pass(100);
    return ended;
  };
  const first = propose(1);
  driver.take("publish");
  driver.receive(entry(8, { messageId: "s:1" }));
  await first;
  const second = propose(2);
  const own = { sequence: 8, version: 1 };
  assert.deepEqual(driver.take("publish").lastOwn, own);
  driver.passWithHeartbeats(1_500);
  assert.deepEqual(driver.take("publish").lastOwn, own);
  const third = propose(3);
  const { lastOwn, after } = driver.take("publish");
  assert.deepEqual([lastOwn, after], [undefined, undefined]);
  driver.receive(entry(9, { messageId: "s:2" }));
  driver.receive(entry(10, { messageId: "s:3" }));
  await Promise.all([second, third]);
});

test("marks each attempt of its first batches as a seam until one is stored, and again after the others were heard", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const first = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.pass(100);
  assert.equal(driver.take("publish").seam, 1);
  // It may have got lost on its way.
  driver.passWithHeartbeats(1_500);
  assert.equal(driver.take("publish").seam, 1);
  const second = driver.session.propose(2, PAYLOAD, driver.now_ms);
  driver.pass(100);
  assert.equal(driver.take("publish").seam, 1);
  driver.receive(entry(8, { messageId: "s:1", seam: "1" }));
  driver.receive(entry(9, { messageId: "s:2", seam: "1" }));
  await Promise.all([first, second]);
  driver.session.propose(3, PAYLOAD, driver.now_ms).catch(() => {});
  driver.pass(100);
  assert.equal(driver.take("publish").seam, undefined);
  driver.disconnect();
  driver.serverId = "server 2";
  driver.join();
  driver.look({ lastSequence: 9 });
  driver.answerStart();
  const { hearing } = driver.take("hear_others");
  driver.tell({ type: "others_heard", hearing });
  assert.equal(driver.take("publish").seam, 2);
});

test("takes no consumer but one on the server that leads the stream", () => {
  const driver = new SessionDriver();
  driver.open(7);
  driver.look({ lastSequence: 7, leader: "n0" });
  for (const server of ["n1", "n2", "n1"]) {
    driver.answerStart(server);
    assert.ok(!driver.wants("take_consumer"));
    assert.equal(driver.session.status.state, "away");
  }
  driver.start("n0");
  assert.equal(driver.session.status.state, "connected");
});

test("looks at the stream again where no consumer gets to its leader, which may be another server by now", () => {
  const driver = new SessionDriver();
  driver.open(7);
  driver.look({ lastSequence: 7, leader: "n0" });
  for (let i = 0; i < PLACEMENTS_MAX; i++) driver.answerStart("n1");
  assert.ok(!driver.wants("start_consumer"));
  driver.take("stop_consumer");
  driver.pass(RETRY_MS);
  driver.look({ lastSequence: 7, leader: "n1" });
  driver.start("n1");
  assert.equal(driver.session.status.state, "connected");
});

test("takes a consumer wherever it is if the servers do not say where", () => {
  for (const [leader, server] of [["n0", undefined], [undefined, "n0"]]) {
    const driver = new SessionDriver();
    driver.open(7);
    driver.look({ lastSequence: 7, ...(leader && { leader }) });
    driver.start(server);
    assert.equal(driver.session.status.state, "connected");
  }
});

test("ends a batch that was refused before the connection was lost once the stream was looked at again", async () => {
  const driver = new SessionDriver();
  driver.feed(7);
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  let error: unknown;
  ended.catch((reason) => error = reason);
  driver.tell({ type: "refused", batch: 1, reason: "JetStream is away" });
  driver.disconnect();
  driver.actions.length = 0;
  driver.join();
  driver.look({ lastSequence: 8 });
  driver.start();
  driver.pass(100);
  // It may be the entry that is still to come.
  await Promise.resolve();
  assert.equal(error, undefined);
  driver.receive(entry(8));
  driver.pass(100);
  await assert.rejects(ended, NotStoredError);
});

test("writes the log's id back once when the description has lost it", () => {
  const driver = new SessionDriver();
  driver.feed();
  driver.receive(entry(1, { messageId: "x:1" }));
  const config = { ...LOOK.config, description: "ours" };
  const identified = { ...ENTRY_8, ...driver.session.feed.last };
  driver.passWithHeartbeats(LOOK_MS);
  driver.look({ config, lastSequence: 1 });
  driver.look({ config, lastSequence: 1, identified });
  assert.equal(driver.take("write_identity").id, "0123456789abcdef");
  driver.start();
  driver.passWithHeartbeats(LOOK_MS);
  driver.look({ config, lastSequence: 1 });
  assert.ok(!driver.wants("write_identity"));
  assert.equal(driver.session.status.state, "connected");
});

test("takes a stream of several servers for another one only when that lasts", () => {
  const config = { ...LOOK.config, num_replicas: 3 };
  const driver = new SessionDriver();
  driver.open(7, { lastSequence: 7, config });
  const lookFor = (ms: number, answer: () => void) => {
    for (const end = driver.now_ms + ms; driver.now_ms < end;) {
      answer();
      driver.pass(RETRY_MS);
    }
  };
  const late = () => driver.look({ lastSequence: 6, config });
  lookFor(SUSPICION_MS, late);
  assert.match(driver.session.status.reason, /yet to agree/);
  // After a look that shows no difference the time begins anew.
  driver.look({ lastSequence: 7, config });
  driver.start();
  driver.disconnect();
  driver.connect();
  lookFor(SUSPICION_MS, late);
  assert.equal(driver.session.status.state, "away");
  // After one that fails, in whatever way, too.
  driver.failLook();
  driver.pass(RETRY_MS);
  lookFor(SUSPICION_MS, late);
  assert.equal(driver.session.status.state, "away");
  driver.take("look");
  driver.pass(ANSWER_MAX_MS + RETRY_MS);
  lookFor(SUSPICION_MS, late);
  assert.equal(driver.session.status.state, "away");
  late();
  assert.equal(driver.session.status.state, "ahead_of_log");
});

test("says at once that the log may go on from another state, where several servers keep it", () => {
  const config = { ...LOOK.config, num_replicas: 3 };
  const driver = new SessionDriver();
  driver.open(7, { lastSequence: 7, config });
  driver.look({ config, lastSequence: 7 });
  driver.start();
  driver.receive(entry(8, { messageId: "x:1" }));
  driver.disconnect();
  driver.connect();
  const identified = { ...ENTRY_8, messageId: "another" };
  driver.look({ config, lastSequence: 9, identified });
  const { state, mayBeForked, loss } = driver.session.status;
  assert.deepEqual([state, mayBeForked, loss], ["away", true, undefined]);
});

test("proposes nothing while the stream's settings are wrong, at a look or on the way back, and goes on when they are right", async () => {
  const config = { ...LOOK.config, duplicate_window: 1_000_000 };
  const driver = new SessionDriver();
  driver.feed();
  driver.passWithHeartbeats(LOOK_MS);
  driver.look({ config });
  assert.match(driver.session.status.reason, /duplicate_window/);
  driver.look({ config });
  assert.ok(!driver.wants("start_consumer"));
  await assert.rejects(
    driver.session.propose(1, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  driver.pass(RETRY_MS);
  driver.look();
  driver.start();
  assert.equal(driver.session.status.state, "connected");
});

test("tells what the log has and takes at each look", () => {
  const driver = new SessionDriver();
  driver.feed();
  driver.take("limits");
  driver.passWithHeartbeats(LOOK_MS);
  driver.look({
    firstSequence: 1,
    lastSequence: 9,
    bytes: 900,
    maxPayload_bytes: 100 * 1024,
  });
  assert.deepEqual(driver.take("limits").limits, {
    id: "0123456789abcdef",
    firstSequence: 1,
    lastSequence: 9,
    bytes: 900,
    retention: NO_RETENTION,
    entryBytesMax: 99 * 1024,
  });
});

test("stops at an entry of a later version", () => {
  const driver = new SessionDriver();
  driver.feed();
  driver.receive(entry(1, { subject: "usergrade.v3.set.b" }));
  driver.take("stop_consumer");
  assert.equal(driver.take("status").status.state, "upgrade_required");
  driver.receive(entry(1));
  assert.ok(driver.session.feed.isEmpty);
});

test("tells nobody of itself before it knows that the log is still the same", () => {
  const driver = new SessionDriver();
  assert.ok(!driver.session.isSure);
  driver.connect();
  assert.ok(driver.session.isSure);
  driver.look();
  driver.tell({ type: "consume", after: 0, time: null });
  assert.ok(!driver.session.isSure);
  driver.look();
  driver.start();
  assert.ok(driver.session.isSure);
  driver.disconnect();
  assert.ok(!driver.session.isSure);
  driver.connect();
  assert.ok(!driver.session.isSure);
  driver.look();
  driver.start();
  assert.ok(driver.session.isSure);
});

test("refuses all that is under way when it may not publish sets", async () => {
  const driver = new SessionDriver();
  driver.feed();
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.tell({ type: "forbidden", subject: "usergrade.v1.set.a" });
  await assert.rejects(ended, /not allow to publish to usergrade.v1.set.a/);
});

test("ends everything when it is closed", async () => {
  const driver = new SessionDriver();
  driver.feed();
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.tell({ type: "close" });
  await assert.rejects(ended, OutcomeUnknownError);
  await assert.rejects(
    driver.session.propose(2, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  driver.actions.length = 0;
  driver.disconnect();
  driver.pass(10_000);
  assert.deepEqual(driver.actions, []);
});
