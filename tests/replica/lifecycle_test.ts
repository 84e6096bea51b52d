import assert from "node:assert/strict";
import { Lifecycle } from "../../src/replica/lifecycle.ts";

const permissions = "none";
const CONNECTED = { state: "connected", reason: "it is open" } as const;
const AWAY = { state: "away", reason: "it is gone" } as const;

Deno.test({
  name: "Lifecycle follows its phase, its log and what is stuck",
  permissions,
  fn: () => {
    const lifecycle = new Lifecycle();
    assert.equal(lifecycle.readiness.reason, "the log is not open yet");
    lifecycle.enter({ name: "ready" });
    assert.ok(!lifecycle.readiness.writable);
    lifecycle.logStatusChanged(CONNECTED);
    assert.ok(lifecycle.readiness.writable);
    assert.ok(lifecycle.stuckChanged("no room"));
    assert.ok(!lifecycle.stuckChanged("no room"));
    assert.ok(!lifecycle.readiness.writable);
    assert.ok(lifecycle.stuckChanged(undefined));
    assert.ok(lifecycle.readiness.writable);
    lifecycle.logStatusChanged(AWAY);
    assert.ok(!lifecycle.connected && !lifecycle.readiness.writable);
  },
});

Deno.test({
  name: "Lifecycle leaves a drain for nothing",
  permissions,
  fn: () => {
    const lifecycle = new Lifecycle();
    const drain = { name: "draining", reason: "x", wasReady: false } as const;
    assert.ok(lifecycle.enter(drain));
    assert.ok(!lifecycle.enter({ name: "ready" }));
    assert.equal(lifecycle.readiness.state, "draining");
  },
});

Deno.test({
  name: "Lifecycle counts connections after the first, and rows restored",
  permissions,
  fn: () => {
    const lifecycle = new Lifecycle();
    for (const status of [CONNECTED, AWAY, CONNECTED, AWAY, CONNECTED]) {
      lifecycle.logStatusChanged(status);
    }
    assert.equal(lifecycle.reconnects, 2);

    const progress = { reason: "restoring from x", rows: 5, percent: 50 };
    lifecycle.noteRestore(progress);
    assert.equal(lifecycle.phase.name, "starting");
    lifecycle.enter({
      name: "restoring",
      progress: { reason: "a snapshot is looked for", rows: 0, percent: 0 },
    });
    lifecycle.noteRestore(progress);
    assert.deepEqual(lifecycle.phase, { name: "restoring", progress });
    assert.equal(lifecycle.readiness.reason, "restoring from x");
    lifecycle.enter({ name: "ready" });
    assert.equal(lifecycle.restoredRows, 5);
  },
});

Deno.test("a replica that makes its log from a file is healing until the log is open, whatever is said of others", () => {
  const lifecycle = new Lifecycle();
  lifecycle.healingChanged({ type: "healing", reason: "from a file" });
  assert.equal(lifecycle.readiness.state, "healing");
  lifecycle.healingChanged(undefined);
  assert.equal(lifecycle.readiness.state, "healing");
  lifecycle.logOpened({ id: "x", firstSequence: 1, lastSequence: 3 });
  lifecycle.enter({ name: "catching_up", until: 3 });
  assert.equal(lifecycle.readiness.state, "catching_up");
  // What is found of an open log is not ended by its limits.
  lifecycle.healingChanged({ type: "healing", reason: "its end is lost" });
  lifecycle.logOpened({ id: "x", firstSequence: 1, lastSequence: 2 });
  assert.equal(lifecycle.readiness.state, "healing");
});

Deno.test("a replica is healing no more once its log is seen to be whole, though it still has to hear the others", () => {
  const lifecycle = new Lifecycle();
  lifecycle.logOpened({ id: "x", firstSequence: 1, lastSequence: 3 });
  lifecycle.enter({ name: "ready" });
  lifecycle.healingChanged({ type: "healing", reason: "its end is lost" });
  const hearing = { state: "away", reason: "others are asked" } as const;
  lifecycle.logStatusChanged(hearing);
  assert.equal(lifecycle.readiness.state, "healing");
  lifecycle.logStatusChanged({ ...hearing, isWhole: true });
  assert.equal(lifecycle.readiness.state, "ready");
  assert.equal(lifecycle.readiness.writable, false);
});
