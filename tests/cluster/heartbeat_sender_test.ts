import assert from "node:assert/strict";
import { type Heartbeat, parseHeartbeat } from "../../src/cluster/heartbeat.ts";
import {
  HeartbeatSender,
  type LocalReplica,
} from "../../src/cluster/heartbeat_sender.ts";
import { localReplica } from "./heartbeats.ts";

const permissions = "none";

/** A sender, and what it has sent. */
function sending() {
  const sent: { sure: Heartbeat; unsure: Heartbeat | undefined }[] = [];
  const replica = localReplica();
  const sender = new HeartbeatSender(
    { replicaId: "a", version: "1.1.0", session: "0".repeat(32) },
    replica satisfies LocalReplica,
    ({ sure, unsure }) =>
      sent.push({
        sure: parseHeartbeat("a", sure),
        unsure: unsure && parseHeartbeat("a", unsure),
      }),
    () => [],
  );
  return { sent, replica, sender };
}

Deno.test(
  "a heartbeat is sent every two seconds, and at once when the state changes",
  {
    permissions,
  },
  () => {
    const { sent, replica, sender } = sending();
    sender.tick(0);
    sender.tick(100);
    sender.tick(1_999);
    assert.equal(sent.length, 1);
    sender.tick(2_000);
    assert.equal(sent.length, 2);
    replica.connected = false;
    sender.tick(2_001);
    assert.equal(sent.length, 3);
    replica.state = "draining";
    sender.tick(2_002);
    assert.equal(sent.length, 4);
  },
);

Deno.test(
  "a replica that stops says so at once, though what it tells as its state stays the same",
  {
    permissions,
  },
  () => {
    const { sent, replica, sender } = sending();
    replica.isAheadOfLog = true;
    sender.tick(0);
    replica.state = "draining";
    replica.reason = "SIGTERM";
    sender.tick(1);
    const told = sent.map(({ sure: { state, reason } }) => [state, reason]);
    assert.deepEqual(told[1], ["ahead_of_log", "SIGTERM"]);
  },
);

Deno.test(
  "a new replica is answered at once, many of them ten times a second",
  {
    permissions,
  },
  () => {
    const { sent, sender } = sending();
    sender.tick(0);
    sender.answer(500);
    assert.equal(sent.length, 2);
    for (let now_ms = 501; now_ms <= 1_500; now_ms++) sender.answer(now_ms);
    assert.equal(sent.length, 12);
    sender.answer(1_510);
    sender.tick(1_599);
    assert.equal(sent.length, 12);
    sender.tick(1_600);
    assert.equal(sent.length, 13);
    sender.tick(1_700);
    assert.equal(sent.length, 13);
    assert.ok(sent.every(({ sure }) => sure.asks === undefined));
    sender.ask(1_701);
    assert.equal(sent.length, 14);
    const { sure, unsure } = sent[13];
    assert.deepEqual([sure.asks, unsure?.asks], [true, true]);
  },
);

Deno.test("while the log is made whole, a heartbeat is sent twice a second", {
  permissions,
}, () => {
  const { sent, replica, sender } = sending();
  replica.state = "healing";
  for (let now_ms = 0; now_ms < 2_000; now_ms += 100) sender.tick(now_ms);
  assert.equal(sent.length, 4);
});

Deno.test(
  "a replica whose log may have lost entries does not say that it follows it, and tells each change at once",
  {
    permissions,
  },
  () => {
    const { sent, replica, sender } = sending();
    sender.tick(0);
    replica.isLogInDoubt = true;
    for (const [state, told] of [["ready", "away"], ["catching_up", "away"]]) {
      replica.state = state;
      sender.ask(1);
      assert.equal(sent.at(-1)!.sure.state, told);
    }
    replica.state = "draining";
    sender.tick(2);
    assert.equal(sent.at(-1)!.sure.state, "draining");
    Object.assign(replica, { state: "ready", isLogInDoubt: false });
    sender.tick(3);
    assert.equal(sent.at(-1)!.sure.state, "ready");
    replica.healedTo = 9;
    sender.tick(4);
    assert.equal(sent.length, 6);
  },
);

Deno.test(
  "a replica tells how often its log was healed only if it heals, and up to where in any case",
  {
    permissions,
  },
  () => {
    const { replica, sender } = sending();
    const told = (healCount: number | undefined, healedTo: number | null) => {
      Object.assign(replica, { healCount, healedTo });
      const { heals, healed_to } = sender.current();
      return [heals, healed_to];
    };
    assert.deepEqual(told(undefined, null), [undefined, null]);
    assert.deepEqual(told(undefined, 9), [undefined, 9]);
    assert.deepEqual(told(0, null), [0, null]);
    assert.deepEqual(told(3, 9), [3, 9]);
  },
);

Deno.test(
  "a replica whose history is another one, or may be, tells a state that nobody compares",
  {
    permissions,
  },
  () => {
    const { sent, replica, sender } = sending();
    const told = (others: Partial<typeof replica>) => {
      Object.assign(replica, { connected: true, isAheadOfLog: false }, others);
      sender.ask(0);
      const { sure, unsure } = sent.at(-1)!;
      return [sure.state, unsure?.state];
    };
    assert.deepEqual(told({ state: "ready" }), ["ready", "away"]);
    assert.deepEqual(told({ state: "catching_up" }), ["catching_up", "away"]);
    const ahead = { isAheadOfLog: true, connected: false };
    for (const state of ["ahead_of_log", "draining"]) {
      assert.deepEqual(told({ state, ...ahead }), ["ahead_of_log", undefined]);
    }
    for (const state of ["draining", "upgrade_required", "starting"]) {
      assert.deepEqual(told({ state, connected: false }), [state, undefined]);
    }
    // Nobody compares these, and all are to hear of them at any time.
    const restoring = { state: "restoring", connected: false };
    assert.deepEqual(told(restoring), ["restoring", "restoring"]);
    for (const state of ["healing", "forked"]) {
      assert.deepEqual(told({ state, connected: false }), [state, state]);
      assert.deepEqual(told({ state, ...ahead }), [state, state]);
    }
    replica.state = "ready";
    assert.equal(sender.current().state, "ready");
  },
);
