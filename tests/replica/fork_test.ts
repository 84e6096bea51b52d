import assert from "node:assert/strict";
import { Change } from "../../src/log/change.ts";
import { OutcomeUnknownError } from "../../src/log/log.ts";
import {
  checkMark,
  forkByFence,
  forkByMove,
  forkByOthers,
  forkBySnapshot,
  forkByTime,
  ForkedError,
} from "../../src/replica/fork.ts";
import { HEAL_POINTS_MAX } from "../../src/replica/heal_points.ts";
import { NotReadyError } from "../../src/replica/not_ready.ts";
import { Replica } from "../../src/replica/replica.ts";
import { SequenceNotReachedError } from "../../src/replica/sequence_waiters.ts";
import { StateMachine } from "../../src/replica/state_machine.ts";
import { Storage } from "../../src/storage/storage.ts";
import { digestAt, healsAt, other, own } from "./healing_facts.ts";

const TIME = "2026-01-01T00:00:00Z";

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, permissions: "none", fn });
}

function entry(sequence: number, spp = sequence) {
  const payload = new TextEncoder().encode(`[{"user_id":"a","spp":${spp}}]`);
  return { sequence, time: TIME, payload };
}

function mark(sequence: number, digest: string) {
  return { sequence, time: TIME, heal: { sequence: sequence - 1, digest } };
}

test("a heal point below what is applied forks a replica that does not know it", () => {
  const many = Array.from({ length: HEAL_POINTS_MAX + 1 }, (_, i) => 10 + i);
  const point = (sequence: number) => ({
    sequence,
    digest: digestAt(sequence),
  });
  const cases: [
    applied: number,
    known: number[],
    at: number,
    isFork: boolean,
  ][] = [
    [100, [], 99, true],
    [100, [], 100, false],
    [100, [], 101, false],
    [100, [99], 99, false],
    [100, [50], 99, true],
    // Those that were forgotten were older than 11.
    [100, many, 10, false],
    [100, many, 9, false],
    [100, many, 99, true],
  ];
  for (const [appliedSequence, known, at, isFork] of cases) {
    const self = own({ appliedSequence, heals: healsAt(...known) });
    const what = `${appliedSequence} ${known} ${at}`;
    assert.equal(forkByFence(self, point(at)) !== undefined, isFork, what);
    assert.equal(forkBySnapshot(self, healsAt(at)) !== undefined, isFork, what);
    const says = other("a", 1, { heals: 99, healedTo: at });
    assert.equal(forkByOthers(self, [says]) !== undefined, isFork, what);
  }
  // The same place with other records is another point.
  const known = own({ heals: healsAt(50) });
  const differs = { sequence: 50, digest: digestAt(50, 7) };
  assert.match(forkByFence(known, differs)!, /two histories/);
  assert.match(forkByFence(own(), { ...differs, sequence: 100 })!, /two hist/);
  assert.equal(forkBySnapshot(known, healsAt(50, 120)), undefined);
  assert.notEqual(forkBySnapshot(known, healsAt(50, 90)), undefined);
});

test("checkMark() takes the mark of the very state, and no other", () => {
  checkMark(own(), { sequence: 100, digest: digestAt(100) });
  for (
    const mark of [
      { sequence: 100, digest: digestAt(100, 7) },
      { sequence: 99, digest: digestAt(100) },
    ]
  ) assert.throws(() => checkMark(own(), mark), ForkedError);
});

test("StateMachine applies a mark as an entry that changes no record, and keeps its heal point", () => {
  const machine = new StateMachine();
  machine.apply(entry(1), undefined);
  const { digest, users, sets } = machine;
  assert.deepEqual(machine.apply(mark(2, digest), undefined), []);
  assert.deepEqual(
    [machine.sequence, machine.digest, machine.users, machine.sets],
    [2, digest, users, sets],
  );
  assert.equal(machine.poisonEntries, 0);
  assert.deepEqual(machine.heals.points, [{ sequence: 1, digest }]);
  machine.apply(entry(3), undefined);
  using snapshot = machine.snapshot("log");
  assert.deepEqual(snapshot.info.heals, {
    count: 1,
    points: [{ sequence: 1, digest }],
  });
  const copy = new StateMachine();
  copy.adopt(new Storage(), snapshot.info);
  assert.deepEqual(copy.heals, machine.heals);
  copy.adopt(new Storage(), { sequence: 9, time: TIME });
  assert.equal(copy.heals.count, 0);
});

test("StateMachine keeps the seams of its entries, of a snapshot that it goes on from, and tells them in its own", () => {
  const machine = new StateMachine();
  machine.apply({ ...entry(1), isSeam: true }, undefined);
  machine.apply(entry(2), undefined);
  assert.deepEqual(machine.seams.points, [[1, TIME]]);
  using snapshot = machine.snapshot("log");
  assert.deepEqual(snapshot.info.seams?.points, [[1, TIME]]);
  const copy = new StateMachine();
  copy.adopt(new Storage(), snapshot.info);
  assert.deepEqual(copy.seams, machine.seams);
  copy.apply({ ...entry(3), isSeam: true }, undefined);
  assert.deepEqual(copy.seams.points, [[1, TIME], [3, TIME]]);
  // One that tells none: nothing is known of what was before it.
  copy.adopt(new Storage(), { sequence: 9, time: TIME });
  assert.deepEqual([copy.seams.knownAfter, copy.seams.points], [9, []]);
});

test("StateMachine refuses a mark of another state, and stays as it is", () => {
  const machine = new StateMachine();
  machine.apply(entry(1), undefined);
  const { digest } = machine;
  assert.throws(
    () => machine.apply(mark(2, digestAt(1)), undefined),
    ForkedError,
  );
  assert.deepEqual(
    [machine.sequence, machine.digest, machine.heals.count],
    [1, digest, 0],
  );
  using snapshot = machine.snapshot("log");
  assert.ok(!("heals" in snapshot.info));
});

/** A replica with one entry, which is ready. */
function readyReplica(): Replica {
  const replica = new Replica(
    { propose: () => {}, defer: (callback) => callback(), now: () => 0 },
    1_000,
  );
  replica.logStatusChanged({ state: "connected", reason: "it is open" });
  replica.logOpened({ id: "log", firstSequence: 1, lastSequence: 1 });
  replica.adopt(new Storage(), { sequence: 0, time: null });
  replica.apply([entry(1)], 1);
  assert.equal(replica.state, "ready");
  return replica;
}

function isForked(replica: Replica): void {
  assert.equal(replica.state, "forked");
  assert.ok(replica.isForked && replica.readable && !replica.writable);
  assert.match(replica.reason, /two histories/);
  assert.match(replica.getJson("a")!, /"spp":1,/);
  assert.throws(
    () => replica.submit(Change.set({ user_id: "a" })),
    /\(forked\): two histories/,
  );
  replica.snapshot()[Symbol.dispose]();
}

test("Replica that meets the mark of another state is forked for good, and applies nothing any more", async () => {
  const replica = readyReplica();
  const set = assert.rejects(
    replica.submit(Change.set({ user_id: "b" })),
    OutcomeUnknownError,
  );
  const waiting = assert.rejects(replica.waitFor(2), SequenceNotReachedError);
  const taken: number[] = [];
  replica.apply([mark(2, digestAt(1)), entry(3)], 3, () => taken.push(3));
  await set;
  await waiting;
  isForked(replica);
  for (let i = 4; i < 100; i++) {
    replica.apply([entry(i)], i, () => taken.push(i));
  }
  replica.tick();
  assert.deepEqual([replica.appliedSequence, taken], [1, []]);
  await assert.rejects(replica.waitFor(1), /forked/);
  for (const state of ["away", "connected", "ahead_of_log"] as const) {
    replica.logStatusChanged({ state, reason: "its own" });
    replica.healingChanged(undefined);
    replica.healingChanged({ type: "healing", reason: "a heals it" });
    isForked(replica);
  }
  // The others compare digests with a replica that leaves as if it were ready.
  replica.drain("SIGTERM");
  assert.ok(replica.isAheadOfLog);
});

test("Replica goes on from no snapshot whose log was healed below what it has", () => {
  const replica = readyReplica();
  replica.apply([entry(2), entry(3)], 3);
  const heals = healsAt(2).data!;
  const place = { sequence: 9, time: TIME, heals };
  assert.throws(() => replica.rejoin(new Storage(), place), ForkedError);
  assert.deepEqual([replica.state, replica.appliedSequence], ["forked", 3]);
  const behind = readyReplica();
  behind.rejoin(new Storage(), place);
  assert.deepEqual([behind.appliedSequence, behind.healedTo], [9, 2]);
});

test("Replica goes on from no snapshot that is older than its last entry, however far it goes", () => {
  const before = "2025-12-31T23:59:59Z";
  const replica = readyReplica();
  assert.throws(
    () => replica.rejoin(new Storage(), { sequence: 9, time: before }),
    ForkedError,
  );
  assert.deepEqual([replica.state, replica.appliedSequence], ["forked", 1]);
  assert.match(replica.reason, /entry 9 of the log is of 2025/);
  const behind = readyReplica();
  behind.rejoin(new Storage(), { sequence: 9, time: TIME });
  assert.equal(behind.appliedSequence, 9);
  const place = { sequence: 9, time: before };
  assert.equal(forkByTime({ sequence: 0, time: null }, place), undefined);
});

test("Replica goes on from no snapshot whose seams tell another history, where nothing else does", () => {
  const place = (time: string) => ({
    sequence: 9,
    time: "2026-01-01T00:00:09Z",
    seams: { since: 0, count: 1, points: [[2, time]] as [number, string][] },
  });
  for (const isSame of [true, false]) {
    const replica = readyReplica();
    replica.apply([{ ...entry(2), isSeam: true }, entry(3)], 3);
    const rejoin = () =>
      replica.rejoin(
        new Storage(),
        place(isSame ? TIME : "2026-01-01T00:00:01Z"),
      );
    if (isSame) rejoin();
    else assert.throws(rejoin, ForkedError);
    assert.deepEqual(
      [replica.isForked, replica.appliedSequence],
      isSame ? [false, 9] : [true, 3],
    );
  }
});

test("a log that was moved to an entry later than the last one applied forks, if that is beyond it", () => {
  const place = { sequence: 3, time: "2026-01-01T00:00:05Z" };
  const cases: [sequence: number, second: number | null, isFork: boolean][] = [
    [5, 4, true],
    [5, 5, false],
    [5, 6, false],
    [3, 4, false],
    [2, 4, false],
    [0, null, false],
  ];
  for (const [sequence, second, isFork] of cases) {
    const time = second === null ? null : `2026-01-01T00:00:0${second}Z`;
    const reason = forkByMove({ sequence, time }, place);
    assert.equal(reason !== undefined, isFork, `${sequence} ${second}`);
    assert.match(reason ?? "two histories", /^two histories/);
  }
});

test("Replica is forked while its log says so, and no longer", async () => {
  const replica = readyReplica();
  const waiting = assert.rejects(replica.waitFor(2), SequenceNotReachedError);
  replica.logStatusChanged({ state: "forked", reason: "another entry 1" });
  await waiting;
  assert.deepEqual([replica.state, replica.writable], ["forked", false]);
  await assert.rejects(replica.waitFor(1), NotReadyError);
  replica.logStatusChanged({ state: "connected", reason: "servers agree" });
  assert.deepEqual([replica.state, replica.writable], ["ready", true]);
  replica.apply([entry(2)], 2);
  assert.equal(replica.appliedSequence, 2);
});

test("Replica whose log is healed answers for what it has applied, and waits for the rest", async () => {
  const replica = readyReplica();
  const waiting = replica.waitFor(3);
  replica.logStatusChanged({ state: "ahead_of_log", reason: "it ends at 0" });
  assert.equal(replica.state, "ahead_of_log");
  await assert.rejects(waiting, SequenceNotReachedError);
  await assert.rejects(replica.waitFor(1), /ahead_of_log/);
  replica.healingChanged({ type: "healing", reason: "a heals it" });
  assert.deepEqual(
    [replica.state, replica.reason, replica.isAheadOfLog],
    ["healing", "a heals it", false],
  );
  await replica.waitFor(1);
  const later = replica.waitFor(3);
  const { digest } = replica;
  replica.apply([mark(2, digest)], 2);
  // What the healer says after that comes too late.
  replica.logStatusChanged({ state: "connected", reason: "it is whole" });
  replica.healingChanged({ type: "healing", reason: "late" });
  assert.deepEqual([replica.state, replica.writable], ["ready", true]);
  replica.apply([entry(3)], 3);
  await later;
});

test("Replica behind a log that was cut does not heal it any more", () => {
  const replica = readyReplica();
  replica.logStatusChanged({ state: "ahead_of_log", reason: "it is gone" });
  replica.healingChanged({ type: "healing", reason: "a heals it" });
  assert.equal(replica.state, "healing");
  replica.logStatusChanged({
    state: "away",
    reason: "it begins with 6",
    missing: 2,
  });
  assert.deepEqual([replica.state, replica.writable], ["ready", false]);
  assert.match(replica.reason, /^it begins with 6/);
});

test("Replica takes no set while another one has applied more, and says that again after a healing", () => {
  const replica = readyReplica();
  replica.healingChanged({ type: "waiting", reason: "b has more" });
  assert.deepEqual(
    [replica.state, replica.reason, replica.writable],
    ["ready", "b has more", false],
  );
  replica.logStatusChanged({ state: "away", reason: "gone" });
  replica.healingChanged({ type: "healing", reason: "b heals it" });
  assert.equal(replica.reason, "b heals it");
  replica.logStatusChanged({ state: "connected", reason: "whole" });
  assert.equal(replica.reason, "b has more");
  replica.healingChanged(undefined);
  assert.equal(replica.writable, true);
});

test("Replica that is asked to wait ends the sets that are in no batch yet", async () => {
  const replica = readyReplica();
  replica.healingChanged({ type: "waiting", reason: "b has more" });
  assert.throws(
    () => replica.submit(Change.set({ user_id: "a" })),
    /b has more/,
  );
  replica.healingChanged(undefined);
  const first = replica.submit(Change.set({ user_id: "a" }));
  const queued = replica.submit(Change.set({ user_id: "a" }));
  replica.healingChanged({ type: "waiting", reason: "b has more" });
  await assert.rejects(queued, NotReadyError);
  replica.apply([{ sequence: 2, time: TIME, batch: 1 }], 2);
  assert.equal((await first).sequence, 2);
});
