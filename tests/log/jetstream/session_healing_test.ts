import assert from "node:assert/strict";
import { encodeFence } from "../../../src/log/fence.ts";
import { RETRY_MS } from "../../../src/log/jetstream/link.ts";
import { LOOK_MS } from "../../../src/log/jetstream/liveness.ts";
import { AHEAD_LOOK_MS } from "../../../src/log/jetstream/log_follower.ts";
import { SUSPICION_MS } from "../../../src/log/jetstream/suspicion.ts";
import type { Fence, LogLoss } from "../../../src/log/healable_log.ts";
import { NotStoredError, OutcomeUnknownError } from "../../../src/log/log.ts";
import { entry, LOOK, SessionDriver } from "./session_driver.ts";

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name: `Session ${name}`, permissions: "none", fn });
}

const PAYLOAD = new TextEncoder().encode('[{"user_id":"a"}]');
const DIGEST = "0123456789abcdef";

/** An entry that someone else wrote late. */
const STORED = {
  sequence: 4,
  time: "2027-01-01T00:00:00.0Z",
  messageId: "",
  subject: "usergrade.v1.set.b",
  data: PAYLOAD,
};

function fenceMessage(at: number, sequence: number) {
  const text = encodeFence({ sequence, digest: DIGEST });
  return {
    ...entry(at, { subject: "usergrade.v2.set.$heal" }),
    data: new TextEncoder().encode(text),
  };
}

function fence(at: number, sequence: number): Fence {
  return { at, sequence, digest: DIGEST, time: "2027-01-01T00:00:00.0Z" };
}

/** A session that has fed entries up to 7, all of them its log's. */
function fedDriver(): SessionDriver {
  const driver = new SessionDriver();
  driver.feed(5);
  driver.receive(entry(6, { messageId: "x:6" }));
  driver.receive(entry(7, { messageId: "x:7" }));
  return driver;
}

/** Lets it connect to a server that was started anew. */
function restart(driver: SessionDriver): void {
  driver.serverId = "server 2";
  driver.disconnect();
  driver.actions.length = 0;
  driver.join();
}

/** Lets the consumer start that it wants, and says no more. */
function startConsumer(driver: SessionDriver): void {
  const { request } = driver.take("start_consumer");
  driver.tell({ type: "consumer_started", request });
}

function lossOf(driver: SessionDriver): LogLoss | undefined {
  return driver.session.status.loss;
}

test("publishes nothing over a server that was started anew before the others are heard", async () => {
  const driver = fedDriver();
  driver.actions.length = 0;
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.pass(100);
  driver.take("publish");
  restart(driver);
  driver.look({ lastSequence: 7 });
  startConsumer(driver);
  const { hearing } = driver.take("hear_others");
  assert.equal(driver.session.status.state, "away");
  assert.match(driver.session.status.reason, /other replicas are being asked/);
  assert.ok(driver.session.isSure);
  await assert.rejects(
    driver.session.propose(2, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  driver.passWithHeartbeats(2_000);
  assert.ok(!driver.wants("publish"));
  // Entries come all the same.
  driver.receive(entry(8, { messageId: "x:8" }));
  assert.equal(driver.session.feed.fed, 8);
  driver.tell({ type: "others_heard", hearing });
  assert.equal(driver.session.status.state, "connected");
  assert.equal(driver.take("publish").batch, 1);
  driver.receive(entry(9, { messageId: "s:1" }));
  await ended;
});

test("tells the others that it may propose only while it may, and that it follows the log only while that is sure", () => {
  const [admitted, sure, unsure] = [1, 2, 3].map((byte) => Uint8Array.of(byte));
  const driver = fedDriver();
  const told = () => driver.session.toTell({ admitted, sure, unsure });
  assert.equal(told(), admitted);
  // It takes no sets for a reason of its own.
  const other = { admitted: undefined, sure, unsure };
  assert.equal(driver.session.toTell(other), sure);
  restart(driver);
  assert.equal(told(), unsure);
  driver.look({ lastSequence: 7 });
  startConsumer(driver);
  assert.equal(told(), sure);
  const { hearing } = driver.take("hear_others");
  driver.tell({ type: "others_heard", hearing });
  assert.equal(told(), admitted);
  driver.disconnect(2);
  assert.equal(told(), unsure);
});

test("lets the time of a batch go on while the others are heard, and does not say that sets do not commit", async () => {
  const driver = fedDriver();
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  restart(driver);
  driver.look({ lastSequence: 7 });
  startConsumer(driver);
  driver.passWithHeartbeats(6_000);
  await assert.rejects(ended, OutcomeUnknownError);
  assert.match(driver.session.status.reason, /other replicas are being asked/);
});

test("hears nobody over the server that it had before, nor at its first consumer", () => {
  const driver = fedDriver();
  assert.ok(!driver.wants("hear_others"));
  driver.disconnect();
  driver.join();
  driver.look({ lastSequence: 7 });
  startConsumer(driver);
  assert.ok(!driver.wants("hear_others"));
  assert.equal(driver.session.status.state, "connected");
});

test("hears the others at its first consumer where the server was started anew between the look and the opening", () => {
  const driver = new SessionDriver();
  driver.tell({ type: "find" });
  driver.join();
  driver.look({ lastSequence: 5 });
  restart(driver);
  driver.tell({ type: "open" });
  driver.look({ lastSequence: 5 });
  driver.tell({ type: "consume", after: 5, time: null });
  driver.look({ lastSequence: 5 });
  startConsumer(driver);
  driver.take("hear_others");
  assert.equal(driver.session.status.state, "away");
});

test("stays forked when the stream loses even that which showed it, or is cut behind it, until it is the log again", () => {
  const driver = fedDriver();
  restart(driver);
  const last = driver.session.feed.last!;
  const look = (answer: Parameters<SessionDriver["look"]>[0]) => {
    driver.look(answer);
    driver.pass(AHEAD_LOOK_MS);
    return driver.session.status.state;
  };
  const other = { ...STORED, sequence: 7 };
  assert.equal(look({ lastSequence: 7, identified: other }), "forked");
  assert.equal(look({ lastSequence: 4 }), "forked");
  assert.equal(look(null), "forked");
  assert.equal(look({ firstSequence: 8, lastSequence: 9 }), "forked");
  assert.equal(look({ firstSequence: 9, lastSequence: 9 }), "forked");
  driver.look({ lastSequence: 7, identified: { ...STORED, ...last } });
  startConsumer(driver);
  driver.take("hear_others");
});

test("takes the answer to the last hearing alone, and none over another connection", () => {
  const driver = fedDriver();
  const restarted = () => {
    restart(driver);
    driver.look({ lastSequence: 7 });
    startConsumer(driver);
    return driver.take("hear_others").hearing;
  };
  const first = restarted();
  // A consumer has to be started again meanwhile.
  driver.receive(entry(9));
  driver.look({ lastSequence: 7 });
  startConsumer(driver);
  const second = driver.take("hear_others").hearing;
  driver.tell({ type: "others_heard", hearing: first });
  assert.equal(driver.session.status.state, "away");
  driver.serverId = "server 3";
  driver.disconnect(2);
  driver.tell({ type: "others_heard", hearing: second });
  driver.actions.length = 0;
  driver.join();
  driver.look({ lastSequence: 7 });
  startConsumer(driver);
  assert.equal(driver.session.status.state, "away");
  const { hearing } = driver.take("hear_others");
  driver.tell({ type: "others_heard", hearing: second });
  assert.equal(driver.session.status.state, "away");
  driver.tell({ type: "others_heard", hearing });
  assert.equal(driver.session.status.state, "connected");
});

test("hears the others where the log's end went back, though it has all that it applied", () => {
  const driver = new SessionDriver();
  driver.feed(5);
  // The log has entries up to 9.
  const ahead = entry(6);
  driver.receive({ ...ahead, reply: ahead.reply!.replace(/\.0$/, ".3") });
  assert.equal(driver.session.feed.lastSequence, 9);
  driver.disconnect();
  driver.actions.length = 0;
  driver.join();
  driver.look({ lastSequence: 8 });
  startConsumer(driver);
  driver.take("hear_others");
  assert.equal(driver.session.status.state, "away");
});

test("stops at a fence at once, ends its batches as unknown, and says what is lost", async () => {
  const driver = fedDriver();
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  driver.actions.length = 0;
  driver.receive(fenceMessage(8, 9));
  driver.take("stop_consumer");
  await assert.rejects(ended, OutcomeUnknownError);
  await assert.rejects(
    driver.session.propose(2, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  const look = { lastSequence: 8, fences: [fence(8, 9)] };
  driver.look(look);
  const { state, loss } = driver.session.status;
  assert.equal(state, "healing");
  assert.deepEqual([loss?.type, loss?.fence], ["fenced", fence(8, 9)]);
  assert.ok(driver.session.isSure);
  assert.ok(!driver.wants("start_consumer"));
  // What it waits for comes from others.
  driver.pass(AHEAD_LOOK_MS);
  driver.look(look);
  driver.pass(AHEAD_LOOK_MS);
  driver.look({ firstSequence: 10, lastSequence: 10, fences: [fence(10, 9)] });
  assert.deepEqual(
    [driver.session.status.state, driver.session.status.missing],
    ["away", 8],
  );
  assert.equal(lossOf(driver), undefined);
  // A snapshot has the rest; the others are heard before anything is proposed.
  driver.tell({ type: "consume", after: 9, time: null });
  driver.look({ firstSequence: 10, lastSequence: 10, fences: [fence(10, 9)] });
  startConsumer(driver);
  driver.receive(fenceMessage(10, 9));
  assert.equal(driver.session.feed.fed, 10);
  driver.take("hear_others");
});

test("asks a server that does not know the fence yet only now and then", () => {
  const driver = fedDriver();
  driver.receive(fenceMessage(8, 9));
  driver.look({ lastSequence: 7 });
  startConsumer(driver);
  driver.actions.length = 0;
  driver.receive(fenceMessage(8, 9));
  assert.ok(!driver.wants("look"));
  driver.pass(RETRY_MS);
  driver.look({ lastSequence: 8, fences: [fence(8, 9)] });
  assert.equal(driver.session.status.state, "healing");
});

test("reads what stands before a fence, and proposes nothing meanwhile", async () => {
  const driver = fedDriver();
  restart(driver);
  const look = { lastSequence: 11, fences: [fence(10, 12)] };
  driver.look(look);
  const { request, first } = driver.take("start_consumer");
  assert.equal(first, 8);
  assert.equal(driver.session.status.state, "healing");
  driver.tell({ type: "consumer_started", request });
  driver.passWithHeartbeats(500);
  for (const sequence of [8, 9]) driver.receive(entry(sequence));
  assert.equal(driver.session.feed.fed, 9);
  assert.equal(driver.session.status.state, "healing");
  assert.equal(lossOf(driver)?.type, "fenced");
  assert.ok(!driver.wants("hear_others"));
  await assert.rejects(
    driver.session.propose(2, PAYLOAD, driver.now_ms),
    NotStoredError,
  );
  driver.receive(fenceMessage(10, 12));
  driver.take("stop_consumer");
  driver.look(look);
  assert.ok(!driver.wants("start_consumer"));
  assert.equal(driver.session.status.state, "healing");
});

test("looks at once when something was done to the stream, and waits for the mark", async () => {
  const driver = fedDriver();
  const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
  restart(driver);
  driver.look({ lastSequence: 4 });
  assert.equal(driver.session.status.state, "ahead_of_log");
  assert.equal(lossOf(driver)?.type, "tail");
  await assert.rejects(ended, OutcomeUnknownError);
  const heal = (answer: Parameters<SessionDriver["look"]>[0]) => {
    driver.tell({ type: "healed" });
    driver.look(answer);
    return [driver.session.status.state, lossOf(driver)?.type];
  };
  assert.deepEqual(heal({ lastSequence: 5, fences: [fence(5, 7)] }), [
    "healing",
    "fenced",
  ]);
  const moved = { firstSequence: 8, lastSequence: 7 };
  assert.deepEqual(heal(moved), ["healing", "unmarked"]);
  // A look that was asked before does not count any more.
  driver.pass(AHEAD_LOOK_MS);
  const { request } = driver.take("look");
  driver.tell({ type: "healed" });
  driver.tell({ type: "looked", request, look: { ...LOOK, ...moved } });
  driver.look({ firstSequence: 8, lastSequence: 8, fences: [fence(8, 7)] });
  startConsumer(driver);
  driver.receive(fenceMessage(8, 7));
  const read = driver.session.feed.take();
  assert.deepEqual(read.read.entries.at(-1)?.heal, {
    sequence: 7,
    digest: DIGEST,
  });
  const { hearing } = driver.take("hear_others");
  assert.equal(driver.session.status.isWhole, true);
  driver.tell({ type: "others_heard", hearing });
  assert.equal(driver.session.status.state, "connected");
  assert.equal(driver.session.status.isWhole, undefined);
  assert.equal(lossOf(driver), undefined);
  assert.ok(!driver.wants("publish"));
});

test("looks again before it takes a mark that came after the last look, at once and then after a while", () => {
  const driver = fedDriver();
  const next = driver.session.feed.fed + 1;
  const behind = { lastSequence: next - 1 };
  restart(driver);
  for (const _ of ["at once", "after a while"]) {
    driver.look(behind);
    startConsumer(driver);
    driver.receive(fenceMessage(next, next - 1));
    driver.take("stop_consumer");
  }
  assert.ok(!driver.wants("look"));
  driver.pass(RETRY_MS);
  driver.look({
    firstSequence: next,
    lastSequence: next,
    fences: [fence(next, next - 1)],
  });
  startConsumer(driver);
  driver.receive(fenceMessage(next, next - 1));
  assert.equal(
    driver.session.feed.take().read.entries.at(-1)?.heal?.sequence,
    next - 1,
  );
});

test("looks at the stream where a mark comes after the entries of a consumer, and takes sets meanwhile", async () => {
  for (const [firstSequence, isMark] of [[1, false], [8, true]] as const) {
    const driver = fedDriver();
    driver.receive(fenceMessage(8, 7));
    driver.take("stop_consumer");
    assert.equal(driver.session.status.state, "connected");
    const ended = driver.session.propose(1, PAYLOAD, driver.now_ms);
    driver.look({ firstSequence, lastSequence: 8 });
    startConsumer(driver);
    driver.receive(fenceMessage(8, 7));
    const { heal } = driver.session.feed.take().read.entries.at(-1)!;
    assert.equal(heal !== undefined, isMark);
    driver.receive(entry(9, { messageId: "s:1" }));
    await ended;
  }
});

test("looks once more while entries come when something was done to the stream", () => {
  const driver = fedDriver();
  driver.actions.length = 0;
  driver.tell({ type: "healed" });
  driver.look({ lastSequence: 7 });
  assert.equal(driver.session.status.state, "connected");
});

test("tells of a log on several servers at once what is lost, and that it is ahead or forked only when that lasts", () => {
  const config = { ...LOOK.config, num_replicas: 3 };
  const short = { lastSequence: 4, config };
  const other = {
    ...short,
    identified: STORED,
  };
  for (
    const [answer, type, last] of [
      [short, "tail", "ahead_of_log"],
      [null, "gone", "ahead_of_log"],
      [other, undefined, "forked"],
    ] as const
  ) {
    const driver = new SessionDriver();
    driver.open(5, { lastSequence: 5, config });
    driver.look({ lastSequence: 5, config });
    driver.start();
    for (const sequence of [6, 7]) driver.receive(entry(sequence));
    // Over the server that it had before.
    driver.disconnect();
    driver.actions.length = 0;
    driver.join();
    const late = () => driver.look(answer);
    late();
    assert.equal(driver.session.status.state, "away");
    assert.equal(lossOf(driver)?.type, type);
    assert.equal(driver.session.isSure, type !== undefined);
    for (let ms = 0; ms < SUSPICION_MS; ms += RETRY_MS) {
      driver.pass(RETRY_MS);
      late();
    }
    assert.equal(driver.session.status.state, last);
    assert.equal(lossOf(driver)?.type, type);
    assert.ok(driver.session.isSure);
    // It was nothing; the others are heard all the same.
    driver.pass(AHEAD_LOOK_MS);
    const identified = { ...STORED, ...driver.session.feed.last! };
    driver.look({ lastSequence: 7, config, identified });
    startConsumer(driver);
    driver.take("hear_others");
  }
});

test("tells at once of a fence in a log on several servers", () => {
  const config = { ...LOOK.config, num_replicas: 3 };
  const driver = fedDriver();
  restart(driver);
  driver.look({ lastSequence: 5, config, fences: [fence(5, 7)] });
  assert.equal(driver.session.status.state, "healing");
});

test("says what keeps a log from being healed, also where the stream is gone", () => {
  for (
    const [serverVersion, answer] of [
      ["2.9.10", { lastSequence: 4, serverVersion: "2.9.10" }],
      ["2.9.10", null],
      ["2.15.1", null],
    ] as const
  ) {
    const driver = fedDriver();
    driver.disconnect();
    driver.actions.length = 0;
    driver.pass(600);
    const { attempt } = driver.take("connect");
    const serverId = "server 2";
    driver.tell({ type: "connected", attempt, serverId, serverVersion });
    driver.look(answer);
    assert.equal(
      lossOf(driver)?.problem?.includes("2.10 or later") ?? false,
      serverVersion === "2.9.10",
    );
  }
});

test("takes another log while nothing is applied, and stays with its own afterwards", () => {
  const config = {
    ...LOOK.config,
    description: `UserGrade log ${"f".repeat(16)}`,
  };
  const driver = new SessionDriver();
  driver.open();
  driver.look({ config, created: "later" });
  assert.equal(driver.take("limits").limits.id, "f".repeat(16));
  driver.start();

  const fed = fedDriver();
  restart(fed);
  fed.look({ config, created: "later", lastSequence: 9 });
  assert.equal(fed.session.status.state, "ahead_of_log");
  assert.equal(lossOf(fed)?.type, "other_log");
});

test("looks beside all else for a healer, and judges without a suspicion", () => {
  const config = { ...LOOK.config, num_replicas: 3 };
  const driver = fedDriver();
  const { question, judge } = driver.session.log.askAside();
  assert.deepEqual(question, { identify: 7, require: 8, fences: true });
  const verdict = judge({ ...LOOK, config, lastSequence: 4 });
  assert.ok(verdict.type === "lost");
  assert.equal(verdict.loss.type, "tail");
  assert.equal(driver.session.status.state, "connected");
  driver.passWithHeartbeats(LOOK_MS);
  assert.throws(() => new SessionDriver().session.log, /not open/);
});
