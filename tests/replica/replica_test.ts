import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Change, entryText } from "../../src/log/change.ts";
import { LogFailedError, NO_RETENTION } from "../../src/log/log.ts";
import { NotReadyError } from "../../src/replica/not_ready.ts";
import { Replica } from "../../src/replica/replica.ts";
import { Storage } from "../../src/storage/storage.ts";

const permissions = "none";
const LOG = { id: "log", firstSequence: 1, lastSequence: 3 };

function newReplica(): Replica {
  const replica = new Replica(
    { propose: () => {}, defer: () => {}, now: () => 0 },
    1000,
  );
  replica.logStatusChanged({ state: "connected", reason: "it is open" });
  return replica;
}

/** A replica that is to apply what a log has, from its beginning. */
function openReplica(lastSequence = LOG.lastSequence): Replica {
  const replica = newReplica();
  replica.logOpened({ ...LOG, lastSequence });
  replica.adopt(new Storage(), { sequence: 0, time: null });
  return replica;
}

function entry(sequence: number, text: string) {
  return {
    sequence,
    time: "2026-01-01T00:00:00Z",
    payload: new TextEncoder().encode(text),
  };
}

function set(sequence: number, user_id: string, spp: number) {
  return entry(
    sequence,
    entryText([Change.set({ user_id, spp }).change]),
  );
}

Deno.test({
  name:
    "Replica is ready once it has applied what the log had when it was opened",
  permissions,
  fn: () => {
    const replica = newReplica();
    assert.throws(() => replica.getJson("a"), NotReadyError);
    replica.logOpened(LOG);
    assert.equal(replica.state, "restoring");
    replica.adopt(new Storage(), { sequence: 0, time: null });
    assert.equal(replica.state, "catching_up");
    replica.apply([set(1, "a", 1), set(2, "a", 2)], 3);
    assert.throws(() => replica.getJson("a"), NotReadyError);
    assert.throws(
      () => replica.submit(Change.set({ user_id: "a" })),
      NotReadyError,
    );
    replica.apply([set(3, "a", 3)], 3);
    assert.equal(replica.state, "ready");
    assert.match(replica.getJson("a")!, /"spp":3,/);
  },
});

Deno.test({
  name:
    "Replica is not ready before the log could be proposed to once, even if there is nothing to apply",
  permissions,
  fn: () => {
    const replica = new Replica(
      { propose: () => {}, defer: () => {}, now: () => 0 },
      1000,
    );
    replica.logOpened({ ...LOG, lastSequence: 0 });
    replica.adopt(new Storage(), { sequence: 0, time: null });
    assert.equal(replica.state, "catching_up");
    assert.match(replica.reason, /gives no entries yet/);
    replica.logStatusChanged({ state: "connected", reason: "it is open" });
    assert.equal(replica.state, "ready");
    assert.ok(replica.readable);
  },
});

Deno.test({
  name:
    "Replica follows what the log has: its id, its first entry, and an end that it lost",
  permissions,
  fn: () => {
    const replica = openReplica();
    replica.apply([set(1, "a", 1)], 3);
    assert.equal(replica.state, "catching_up");
    const limits = {
      id: "new",
      firstSequence: 2,
      bytes: 0,
      retention: NO_RETENTION,
      entryBytesMax: 1000,
    };
    replica.logLimitsChanged({ ...limits, lastSequence: 9 });
    assert.deepEqual(replica.log, { id: "new", firstSequence: 2 });
    assert.equal(replica.lastSequence, 9);
    assert.equal(replica.state, "catching_up");
    replica.logLimitsChanged({ ...limits, lastSequence: 1 });
    replica.logStatusChanged({ state: "connected", reason: "entries come" });
    assert.equal(replica.state, "ready");
  },
});

Deno.test({
  name: "Replica stops at a gap and at an entry that comes twice",
  permissions,
  fn: () => {
    for (const sequences of [[2], [1, 3], [1, 1]]) {
      const replica = openReplica();
      assert.throws(
        () => replica.apply(sequences.map((s) => set(s, "a", s)), 3),
        LogFailedError,
      );
    }
  },
});

Deno.test({
  name:
    "Replica skips an entry that does not validate as a whole, and counts it",
  permissions,
  fn: () => {
    const replica = openReplica();
    replica.apply([
      set(1, "a", 1),
      entry(2, '[{"user_id":"a","spp":5},{"user_id":"b","spp":"x"}]'),
      set(3, "c", 3),
    ], 3);
    assert.equal(replica.appliedSequence, 3);
    assert.equal(replica.applied.poisonEntries, 1);
    assert.match(replica.getJson("a")!, /"spp":1,/);
    assert.equal(replica.getJson("b"), undefined);
  },
});

Deno.test({
  name: "Replica goes on answering gets while it drains, and takes no sets",
  permissions,
  fn: () => {
    const replica = openReplica(0);
    replica.apply([set(1, "a", 1)], 1);
    replica.drain("SIGTERM");
    assert.match(replica.getJson("a")!, /"spp":1,/);
    assert.throws(
      () => replica.submit(Change.set({ user_id: "a" })),
      NotReadyError,
    );
  },
});

Deno.test({
  name:
    "Replica refuses sets and answers gets while the log is away or behind it",
  permissions,
  fn: () => {
    for (const state of ["away", "ahead_of_log"] as const) {
      const replica = openReplica(0);
      replica.apply([set(1, "a", 1)], 1);
      replica.logStatusChanged({ state, reason: "the reason" });
      assert.throws(
        () => replica.submit(Change.set({ user_id: "a" })),
        /the reason/,
      );
      assert.match(replica.getJson("a")!, /"spp":1,/);
      assert.equal(replica.state, state === "away" ? "ready" : state);
      assert.equal(replica.reason, "the reason");
    }
  },
});

Deno.test({
  name:
    "Replica answers nothing once there is an entry that it can't understand",
  permissions,
  fn: () => {
    const replica = openReplica(0);
    replica.logStatusChanged({ state: "upgrade_required", reason: "v2" });
    assert.equal(replica.state, "upgrade_required");
    assert.throws(() => replica.getJson("a"), NotReadyError);
    assert.throws(
      () => replica.submit(Change.set({ user_id: "a" })),
      NotReadyError,
    );
  },
});

Deno.test({
  name:
    "Replica stays draining when the log opens late, and keeps nobody waiting",
  permissions,
  fn: async () => {
    const early = newReplica();
    early.drain("SIGTERM");
    early.logOpened({ ...LOG, lastSequence: 0 });
    early.adopt(new Storage(), { sequence: 0, time: null });
    assert.equal(early.state, "draining");
    assert.throws(
      () => early.submit(Change.set({ user_id: "a" })),
      NotReadyError,
    );

    const replica = openReplica(0);
    const waiting = replica.waitFor(99);
    replica.drain("SIGTERM");
    await assert.rejects(waiting, /has not applied sequence 99/);
  },
});

Deno.test({
  name: "Replica refuses the sets that wait for a batch when the log is away",
  permissions,
  fn: async () => {
    const replica = openReplica(0);
    const waiting = replica.submit(Change.set({ user_id: "a" }));
    replica.logStatusChanged({ state: "away", reason: "NATS is gone" });
    await assert.rejects(waiting, NotReadyError);
    assert.equal(replica.sets.pending, 0);
  },
});

Deno.test({
  name:
    "Replica tells no sequence while the log may go on from another state, and answers gets without one",
  permissions,
  fn: async () => {
    const replica = openReplica(1);
    replica.logStatusChanged({ state: "connected", reason: "it is there" });
    replica.apply([set(1, "a", 1)], 1);
    const waiting = replica.waitFor(2);
    replica.logStatusChanged({
      state: "away",
      reason:
        "entry 1 is another one now, unless its servers have yet to agree",
      mayBeForked: true,
    });
    await assert.rejects(waiting);
    await assert.rejects(replica.waitFor(1), /can't tell what sequence 1 is/);
    assert.ok(replica.getJson("a"));
    replica.logStatusChanged({ state: "connected", reason: "it is the same" });
    await replica.waitFor(1);
  },
});

Deno.test({
  name:
    "Replica answers those who wait for a sequence as soon as it is applied",
  permissions,
  fn: async () => {
    const replica = openReplica(0);
    const reached: number[] = [];
    for (const sequence of [0, 1, 2]) {
      replica.waitFor(sequence).then(() => reached.push(sequence));
    }
    replica.apply([set(1, "a", 1)], 1);
    await sleep(0);
    assert.deepEqual(reached, [0, 1]);
  },
});

Deno.test({
  name: "Replica that drains before it is ready answers no get",
  permissions,
  fn: () => {
    const replica = openReplica();
    replica.apply([set(1, "a", 1)], 3);
    replica.drain("SIGTERM");
    assert.throws(() => replica.getJson("a"), NotReadyError);
  },
});
