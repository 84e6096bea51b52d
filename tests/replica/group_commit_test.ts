import assert from "node:assert/strict";
import { Change, decodeEntry } from "../../src/log/change.ts";
import {
  encodeEntry,
  ENTRY_BYTES_MAX,
  ENTRY_CHARACTERS_MAX,
} from "../../src/log/entry_payload.ts";
import { NotStoredError, OutcomeUnknownError } from "../../src/log/log.ts";
import {
  GroupCommit,
  NotAppliedError,
  QueueFullError,
} from "../../src/replica/group_commit.ts";
import {
  BATCH_CHANGES_MAX,
  QUEUE_CHANGES_MAX,
} from "../../src/replica/unit_queue.ts";
import { Storage } from "../../src/storage/storage.ts";

const permissions = "none";
const TIMEOUT_MS = 1000;

/** Group commit with a log that does only what the test says. */
class Bench {
  now = 0;
  readonly proposed: {
    batch: number;
    ids: string[];
    bytes: number;
    characters: number;
  }[] = [];
  readonly #deferred: (() => void)[] = [];
  readonly storage = new Storage();
  readonly groupCommit = new GroupCommit({
    propose: (batch, text) => {
      const payload = encodeEntry(text);
      this.proposed.push({
        batch,
        ids: decodeEntry(payload).map(({ user_id }) => user_id),
        bytes: payload.length,
        characters: text.length,
      });
    },
    defer: (callback) => this.#deferred.push(callback),
    now: () => this.now,
  }, TIMEOUT_MS);

  /** The number of each batch, and the ids of its sets. */
  get batches(): [number, string[]][] {
    return this.proposed.map(({ batch, ids }) => [batch, ids]);
  }

  /** Runs what was deferred. */
  turn(): void {
    for (const callback of this.#deferred.splice(0)) callback();
  }

  submit(user_id: string) {
    return this.groupCommit.submit(Change.set({ user_id, spp: 1 }));
  }

  commit(batch: number, sequence: number): void {
    const landed = this.groupCommit.land(batch);
    const grades = landed.changes.map((change) => this.storage.set(change));
    this.groupCommit.answer(landed, sequence, grades);
  }
}

function test(name: string, fn: (bench: Bench) => void | Promise<void>): void {
  Deno.test({ name, permissions, fn: () => fn(new Bench()) });
}

test("GroupCommit sends what came in one turn together, at once", async (bench) => {
  const sets = ["a", "b"].map((id) => bench.submit(id));
  assert.equal(bench.proposed.length, 0);
  bench.turn();
  assert.deepEqual(bench.batches, [[1, ["a", "b"]]]);
  bench.commit(1, 7);
  for (const set of await Promise.all(sets)) assert.equal(set.sequence, 7);
  assert.equal(bench.groupCommit.pending, 0);
});

test("GroupCommit makes the next batch of what came while one was in flight", async (bench) => {
  const first = bench.submit("a");
  bench.turn();
  const rest = ["b", "c"].map((id) => bench.submit(id));
  bench.turn();
  assert.equal(bench.proposed.length, 1);
  bench.commit(1, 1);
  assert.deepEqual(bench.batches[1], [2, ["b", "c"]]);
  bench.commit(2, 2);
  assert.equal((await first).sequence, 1);
  assert.equal((await rest[1]).grade.user_id, "c");
});

test("GroupCommit bounds a batch in sets, and in bytes whatever the ids are", (bench) => {
  const submit = (count: number, id: string) => {
    for (let i = 0; i < count; i++) bench.submit(id).catch(() => {});
  };
  submit(BATCH_CHANGES_MAX + 1, "x");
  bench.turn();
  assert.equal(bench.proposed[0].ids.length, BATCH_CHANGES_MAX);
  bench.commit(1, 1);
  bench.commit(2, 2);
  // The longest as JSON text, and the longest in bytes for its characters.
  for (const id of ['"'.repeat(256), "日".repeat(85), "𝄞".repeat(64)]) {
    submit(2 * BATCH_CHANGES_MAX, id);
    bench.turn();
    const batch = bench.proposed.length;
    const { ids, bytes } = bench.proposed[batch - 1];
    assert.ok(bytes <= ENTRY_BYTES_MAX, `${bytes} bytes`);
    assert.ok(ids.length > BATCH_CHANGES_MAX / 2);
    bench.commit(batch, batch);
    for (let last = batch; bench.proposed.length > last;) {
      bench.commit(++last, last);
    }
  }
});

test("GroupCommit makes batches as small as the log wants them, and lets a set that is too large be a batch", (bench) => {
  const submit = (id: string) => bench.submit(id).catch(() => {});
  bench.groupCommit.limitEntries(3_000);
  for (let i = 0; i < 40; i++) submit(`user ${i}`);
  submit("日".repeat(85).repeat(1));
  bench.turn();
  for (let batch = 1; batch <= bench.proposed.length; batch++) {
    assert.ok(bench.proposed[batch - 1].bytes <= 3_000);
    bench.commit(batch, batch);
  }
  assert.ok(bench.proposed.length > 1);
  const before = bench.proposed.length;
  bench.groupCommit.limitEntries(30);
  submit("one that is larger than that");
  bench.turn();
  assert.deepEqual(bench.proposed[before].ids, [
    "one that is larger than that",
  ]);
});

test("GroupCommit fills a batch up to the last character that an entry may have", () => {
  const text = (id: string) => Change.set({ user_id: id, spp: 1 }).text;
  const id = '"'.repeat(190);
  const perSet = text(id).length + 1;
  // With a first set of the right length, so many more fill it exactly.
  const sets = Math.floor((ENTRY_CHARACTERS_MAX - 60) / perSet);
  const rest = ENTRY_CHARACTERS_MAX - 2 - sets * perSet - text("a").length + 1;
  const first = "x".repeat(rest % 2) + '"'.repeat(Math.floor(rest / 2));
  for (const [more, expected] of [["", sets + 1], ["x", sets]] as const) {
    const bench = new Bench();
    bench.submit(first + more).catch(() => {});
    for (let i = 0; i < sets; i++) bench.submit(id).catch(() => {});
    bench.turn();
    assert.equal(bench.proposed[0].ids.length, expected);
    assert.ok(bench.proposed[0].characters <= ENTRY_CHARACTERS_MAX);
  }
});

test("GroupCommit tells a set of a batch that can't be applied once, if its time was over before", async (bench) => {
  const late = bench.submit("late");
  bench.now = TIMEOUT_MS / 2;
  const other = bench.submit("other");
  bench.turn();
  bench.now = TIMEOUT_MS;
  bench.groupCommit.tick(bench.now);
  await assert.rejects(late, OutcomeUnknownError);
  bench.groupCommit.reject(
    bench.groupCommit.land(1),
    new NotAppliedError("no room"),
  );
  await assert.rejects(other, NotAppliedError);
  const { rejected } = bench.groupCommit.counts;
  assert.deepEqual([rejected.outcome_unknown, rejected.not_applied], [1, 1]);
});

test("GroupCommit refuses sets beyond the queue's limits, and takes them again when there is room", (bench) => {
  const ignore = () => {};
  bench.submit("first").catch(ignore);
  bench.turn();
  for (let i = 0; i < QUEUE_CHANGES_MAX; i++) bench.submit("x").catch(ignore);
  assert.throws(() => bench.submit("one too many"), QueueFullError);
  bench.commit(1, 1);
  bench.submit("room again").catch(ignore);
});

test("GroupCommit ends a queued set at its deadline as certainly not stored", async (bench) => {
  bench.submit("a").catch(() => {});
  bench.turn();
  bench.now = 500;
  const queued = bench.submit("b");
  bench.now = 500 + TIMEOUT_MS;
  bench.groupCommit.tick(bench.now);
  await assert.rejects(queued, NotStoredError);
  bench.commit(1, 1);
  assert.equal(bench.proposed.length, 1);
});

test("GroupCommit ends a set in flight at its own deadline as unknown, and applies it if it commits after all", async (bench) => {
  const first = bench.submit("a");
  bench.now = 900;
  const second = bench.submit("b");
  bench.turn();
  bench.now = TIMEOUT_MS;
  bench.groupCommit.tick(bench.now);
  await assert.rejects(first, OutcomeUnknownError);
  assert.equal(bench.groupCommit.pending, 1);
  bench.commit(1, 1);
  assert.equal((await second).sequence, 1);
  const { committed, rejected, setSeconds } = bench.groupCommit.counts;
  assert.deepEqual([committed, rejected.outcome_unknown], [1, 1]);
  assert.equal(setSeconds.counts.reduce((sum, count) => sum + count), 1);
  assert.deepEqual(
    [bench.storage.get("a")?.spp, bench.storage.get("b")?.spp],
    [1, 1],
  );
});

test("GroupCommit tells the sets of a failed batch how sure that is, and goes on", async (bench) => {
  const failed = bench.submit("a");
  bench.turn();
  const next = bench.submit("b");
  bench.groupCommit.fail(1, new NotStoredError("the disk is full"));
  await assert.rejects(failed, /the disk is full/);
  assert.deepEqual(bench.batches[1], [2, ["b"]]);
  bench.groupCommit.fail(2, new OutcomeUnknownError("who knows"));
  await assert.rejects(next, OutcomeUnknownError);
  assert.equal(bench.storage.size, 0);
});

test("GroupCommit tells every set when the log is gone", async (bench) => {
  const inFlight = bench.submit("a");
  bench.turn();
  const queued = bench.submit("b");
  bench.groupCommit.abandon("it burnt down");
  await assert.rejects(inFlight, OutcomeUnknownError);
  await assert.rejects(queued, NotStoredError);
  assert.equal(bench.groupCommit.pending, 0);
});

test("GroupCommit takes the commit of an unknown batch for the error that it is", (bench) => {
  assert.throws(() => bench.commit(5, 1), /batch 5: it is not in flight/);
});
