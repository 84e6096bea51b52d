import assert from "node:assert/strict";
import { LogFailedError } from "../../src/log/log.ts";
import { CHECKPOINT_ENTRIES } from "../../src/replica/digest_trail.ts";
import { StateMachine } from "../../src/replica/state_machine.ts";
import { TableFullError } from "../../src/storage/table_full_error.ts";
import { Storage } from "../../src/storage/storage.ts";
import { largeId, withoutMemory } from "../support/memory.ts";

const permissions = "none";
const TIME = "2026-01-01T00:00:00Z";
const NO_NUMBERS = {
  postpaid_limit: 0,
  spp: 0,
  shipping_fee: 0,
  return_fee: 0,
};

function entry(sequence: number, text = '[{"user_id":"a","spp":1}]') {
  const payload = new TextEncoder().encode(text);
  return { sequence, time: TIME, payload };
}

function test(name: string, fn: () => void): void {
  Deno.test({ name, permissions, fn });
}

test("StateMachine applies own patches as they are, and others' from their bytes", () => {
  const machine = new StateMachine();
  const own = [{ user_id: "a", spp: 1 }, { user_id: "a", return_fee: 2 }];
  const grades = machine.apply({ sequence: 1, time: TIME, batch: 1 }, own);
  assert.deepEqual(grades, [
    { ...NO_NUMBERS, user_id: "a", spp: 1 },
    { ...NO_NUMBERS, user_id: "a", spp: 1, return_fee: 2 },
  ]);
  machine.apply(entry(2, '[{"user_id":"a","spp":7}]'), undefined);
  assert.match(machine.getJson("a")!, /"spp":7,.*"return_fee":2/);
  assert.equal(machine.sets, 3);
});

test("StateMachine applies deletions in their order, whether there is such a user or not", () => {
  const machine = new StateMachine();
  const text = `[{"user_id":"a","spp":1},{"user_id":"a","deleted":true},
    {"user_id":"a","deleted":true},{"user_id":"a","return_fee":2},
    {"user_id":"b"},{"user_id":"b","deleted":true}]`;
  const outcomes = machine.apply({ ...entry(1, text), version: 2 }, undefined);
  const deleted = { user_id: "a", deleted: true };
  assert.deepEqual(outcomes, [
    { ...NO_NUMBERS, user_id: "a", spp: 1 },
    { ...deleted, existed: true },
    { ...deleted, existed: false },
    { ...NO_NUMBERS, user_id: "a", return_fee: 2 },
    { ...NO_NUMBERS, user_id: "b" },
    { user_id: "b", deleted: true, existed: true },
  ]);
  const storage = new Storage();
  storage.set({ user_id: "a", return_fee: 2 });
  assert.deepEqual([machine.users, machine.digest], [1, storage.digest]);
  assert.deepEqual([machine.sets, machine.deletions], [3, 3]);
  // As version 1 it is none that any replica applies.
  machine.apply(entry(2, text), undefined);
  assert.deepEqual([machine.poisonEntries, machine.users], [1, 1]);
});

test("StateMachine tells of each whole entry, and of a state that was made elsewhere", () => {
  const machine = new StateMachine();
  const told: unknown[] = [];
  machine.onApplied = (sequence, outcomes) => told.push([sequence, outcomes]);
  machine.onAdopted = (sequence) => told.push(sequence);
  machine.adopt(new Storage(), { sequence: 6, time: TIME });
  machine.apply({ sequence: 7, time: TIME, batch: 1 }, [
    { user_id: "a" },
    { user_id: "b", deleted: true },
  ]);
  machine.apply(entry(8, "poison"), undefined);
  const large = `[{"user_id":"c"},{"user_id":"${largeId("d")}"}]`;
  withoutMemory(
    "records",
    () =>
      assert.throws(
        () => machine.apply(entry(9, large), undefined),
        TableFullError,
      ),
  );
  assert.equal(told.length, 3, "half an entry is none");
  machine.resume();
  const grade = { ...NO_NUMBERS, user_id: "a" };
  assert.deepEqual(told.slice(0, 3), [
    6,
    [7, [grade, { user_id: "b", deleted: true, existed: false }]],
    [8, []],
  ]);
  const [sequence, outcomes] = told[3] as [number, unknown[]];
  assert.deepEqual([sequence, outcomes.length], [9, 2]);
});

test("StateMachine takes the next entry only", () => {
  const machine = new StateMachine();
  machine.apply(entry(1), undefined);
  for (const sequence of [1, 3]) {
    assert.throws(
      () => machine.apply(entry(sequence), undefined),
      LogFailedError,
    );
  }
});

test("StateMachine skips an entry that does not validate, in its place", () => {
  const machine = new StateMachine();
  machine.apply(entry(1), undefined);
  const { digest } = machine;
  assert.deepEqual(
    machine.apply(entry(2, '[{"user_id":"b"},1]'), undefined),
    [],
  );
  assert.deepEqual(
    [machine.sequence, machine.digest, machine.poisonEntries],
    [2, digest, 1],
  );
});

test("StateMachine that is stuck keeps sequence, users and digest, and takes no other entry", () => {
  const machine = new StateMachine();
  machine.apply(entry(1), undefined);
  const { digest } = machine;
  const text = `[{"user_id":"b"},{"user_id":"${
    largeId("c")
  }"},{"user_id":"d"}]`;
  assert.throws(
    () =>
      withoutMemory("records", () => machine.apply(entry(2, text), undefined)),
    TableFullError,
  );
  assert.ok(machine.isStuck && !machine.isWhole);
  assert.deepEqual(
    [machine.sequence, machine.users, machine.digest, machine.digestAt(1)],
    [1, 1, digest, digest],
  );
  assert.throws(() => machine.apply(entry(2), undefined), LogFailedError);
  assert.throws(
    () => withoutMemory("records", () => machine.resume()),
    TableFullError,
  );
  machine.resume();
  assert.ok(!machine.isStuck && machine.isWhole);
  assert.deepEqual([machine.sequence, machine.users], [2, 4]);
  machine.apply(entry(3), undefined);
});

test("StateMachine adopts a state as a whole, and forgets what was before", () => {
  const machine = new StateMachine();
  for (let i = 1; i <= CHECKPOINT_ENTRIES; i++) {
    machine.apply(entry(i, '[{"user_id":"old"}]'), undefined);
  }
  assert.equal(machine.checkpoints(8).length, 1);
  assert.throws(() =>
    withoutMemory("records", () =>
      machine.apply(
        entry(CHECKPOINT_ENTRIES + 1, `[{"user_id":"${largeId("x")}"}]`),
        undefined,
      ))
  );
  const storage = new Storage();
  storage.set({ user_id: "new" });
  machine.adopt(storage, { sequence: 41, time: TIME });
  assert.deepEqual(
    [machine.sequence, machine.users, machine.digest, machine.isStuck],
    [41, 1, storage.digest, false],
  );
  assert.equal(machine.getJson("old"), undefined);
  assert.deepEqual(machine.checkpoints(8), []);
  {
    using snapshot = machine.snapshot("log");
    assert.deepEqual(snapshot.info, {
      logId: "log",
      sequence: 41,
      time: TIME,
      rows: 1,
      digest: storage.digest,
    });
  }
  machine.apply(entry(42), undefined);
});
