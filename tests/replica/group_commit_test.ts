import assert from "node:assert/strict";
import { CHANGES_MAX } from "../../src/change_array.ts";
import { Change, decodeEntry, isDeletion } from "../../src/log/change.ts";
import {
  encodeEntry,
  ENTRY_BYTES_MAX,
  ENTRY_CHARACTERS_MAX,
} from "../../src/log/entry_payload.ts";
import { NotStoredError, OutcomeUnknownError } from "../../src/log/log.ts";
import { NotAppliedError } from "../../src/replica/endings.ts";
import {
  EntryTooLargeError,
  GroupCommit,
  QueueFullError,
} from "../../src/replica/group_commit.ts";
import {
  BATCH_CHANGES_MAX,
  QUEUE_UNITS_MAX,
} from "../../src/replica/unit_queue.ts";
import { SetUnit } from "../../src/replica/unit.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { ChangeOutcome } from "../../src/user_grade.ts";

const permissions = "none";
const TIMEOUT_MS = 1000;

/** Group commit with a log that does only what the test says. */
class Bench {
  now = 0;
  readonly proposed: {
    batch: number;
    version: number;
    ids: string[];
    bytes: number;
    characters: number;
  }[] = [];
  readonly #deferred: (() => void)[] = [];
  readonly storage = new Storage();
  readonly groupCommit = new GroupCommit({
    propose: (batch, text, version) => {
      const payload = encodeEntry(text);
      this.proposed.push({
        batch,
        version,
        ids: decodeEntry(payload, version).map(({ user_id }) => user_id),
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

  delete(user_id: string) {
    return this.submitAll([Change.delete({ user_id })]);
  }

  /** Resolves with the users that its own changes were of. */
  submitAll(changes: Change[]) {
    return this.groupCommit.submitAll(changes, (outcomes, sequence) => ({
      ids: outcomes.map(({ user_id }) => user_id),
      sequence,
    }));
  }

  commit(batch: number, sequence: number): void {
    const landed = this.groupCommit.land(batch);
    const outcomes = landed.changes.map((change): ChangeOutcome =>
      isDeletion(change)
        ? { ...change, existed: this.storage.delete(change.user_id) }
        : this.storage.set(change)
    );
    this.groupCommit.answer(landed, sequence, outcomes);
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
  submit(BATCH_CHANGES_MAX + 2, "x");
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

test("GroupCommit fills a batch as far as the sets in it may need", (bench) => {
  const user_id = '"'.repeat(190);
  const { characters } = new SetUnit(Change.set({ user_id }), 0);
  // Each has a bracket or a comma before it, and the last one a bracket behind.
  const fitting = Math.floor((ENTRY_CHARACTERS_MAX - 1) / (characters + 1));
  for (let i = 0; i <= fitting; i++) bench.submit(user_id).catch(() => {});
  bench.turn();
  assert.equal(bench.proposed[0].ids.length, fitting);
  assert.ok(bench.proposed[0].characters <= ENTRY_CHARACTERS_MAX);
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
  for (let i = 0; i < QUEUE_UNITS_MAX; i++) bench.submit("x").catch(ignore);
  assert.throws(() => bench.submit("one too many"), QueueFullError);
  bench.commit(1, 1);
  bench.submit("room again").catch(ignore);
});

test("GroupCommit has room for 64 arrays of any length, and tells the next one", (bench) => {
  const ignore = () => {};
  bench.submit("first").catch(ignore);
  bench.turn();
  const array = Array(CHANGES_MAX).fill(Change.set({ user_id: "a" }));
  const submit = () => bench.groupCommit.submitAll(array, () => {});
  for (let i = 0; i < 65; i++) submit().catch(ignore);
  assert.throws(submit, QueueFullError);
  assert.equal(bench.groupCommit.queued, 65 * CHANGES_MAX);
  bench.submit("a single set").catch(ignore);
  bench.commit(1, 1);
  submit().catch(ignore);
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

/** So many sets, of users whose names begin alike. */
function setsOf(prefix: string, count: number): Change[] {
  return Array.from(
    { length: count },
    (_, i) => Change.set({ user_id: `${prefix}${i}` }),
  );
}

test("GroupCommit keeps an array in one entry, beside others that fit, and gives each client its own part", async (bench) => {
  const single = bench.submit("alone");
  const arrays = ["a", "b", "c"].map((prefix) =>
    bench.submitAll(setsOf(prefix, 400))
  );
  bench.turn();
  bench.commit(1, 1);
  bench.commit(2, 2);
  assert.deepEqual(
    bench.proposed.map(({ ids }) => ids.length),
    [1 + 400 + 400, 400],
  );
  assert.equal((await single).grade.user_id, "alone");
  for (const [i, array] of arrays.entries()) {
    const { ids, sequence } = await array;
    const prefix = "abc"[i];
    assert.deepEqual(ids, setsOf(prefix, 400).map((_, n) => `${prefix}${n}`));
    assert.equal(sequence, i < 2 ? 1 : 2);
  }
  assert.equal(bench.groupCommit.pending, 0);
  assert.equal(bench.groupCommit.counts.committed, 1201);
});

test("GroupCommit counts an array's bytes as they are, and says how much too large one is", (bench) => {
  // Counted by characters it would be three times as much as fits.
  const fits = setsOf("x".repeat(250), 1000);
  bench.submitAll(fits).catch(() => {});
  const wide = setsOf("日".repeat(84), 1000);
  bench.groupCommit.limitEntries(30_000);
  assert.throws(() => bench.submitAll(wide), (error) => {
    assert.ok(error instanceof EntryTooLargeError);
    assert.match(error.message, /1000 changes are 9\.\d times as much as one/);
    return true;
  });
  bench.turn();
  assert.deepEqual(bench.proposed.map(({ ids }) => ids.length), [1000]);
});

test("GroupCommit answers arrays and sets in their places when the time of those before is over", async (bench) => {
  const late = bench.submitAll(setsOf("late", 3));
  bench.now = TIMEOUT_MS / 2;
  const array = bench.submitAll(setsOf("a", 2));
  const single = bench.submit("b");
  bench.turn();
  bench.now = TIMEOUT_MS;
  bench.groupCommit.tick(bench.now);
  await assert.rejects(late, OutcomeUnknownError);
  assert.equal(bench.groupCommit.pending, 3);
  bench.commit(1, 1);
  assert.deepEqual((await array).ids, ["a0", "a1"]);
  assert.equal((await single).grade.user_id, "b");
  const { committed, rejected } = bench.groupCommit.counts;
  assert.deepEqual([committed, rejected.outcome_unknown], [3, 3]);
});

test("GroupCommit proposes version 2 where there is a deletion, and lets sets ride with it while the log takes them", (bench) => {
  let batch = 0;
  const round = (takesDeletions: boolean) => {
    for (const send of ["submit", "delete", "submit", "submit"] as const) {
      bench[send](send).catch(() => {});
    }
    bench.turn();
    const told: string[] = [];
    for (; batch < bench.proposed.length;) {
      const { version, ids } = bench.proposed[batch++];
      told.push(`${version}: ${ids.join(" ")}`);
      if (version === 1 || takesDeletions) bench.commit(batch, batch);
      else bench.groupCommit.fail(batch, new NotStoredError("none here"));
    }
    return told;
  };
  const apart = ["1: submit", "2: delete", "1: submit submit"];
  const together = ["2: submit delete submit submit"];
  assert.deepEqual(round(false), apart);
  assert.deepEqual(round(true), apart);
  assert.deepEqual(round(true), together);
  assert.deepEqual(round(false), together);
  assert.deepEqual(round(false), apart);
  const { committed, deleted, rejected } = bench.groupCommit.counts;
  assert.deepEqual([committed, deleted, rejected.not_stored], [12, 2, 6]);
});

test("GroupCommit proposes at once what comes after a batch of one change, and waits a turn for more otherwise", async (bench) => {
  const batches = () => bench.proposed.map(({ ids }) => ids.join(" "));
  const first = bench.submit("a");
  assert.deepEqual(batches(), []);
  bench.turn();
  bench.commit(1, 1);
  await first;
  bench.submit("b").catch(() => {});
  bench.submit("c").catch(() => {});
  bench.submit("d").catch(() => {});
  assert.deepEqual(batches(), ["a", "b"]);
  bench.commit(2, 2);
  assert.deepEqual(batches(), ["a", "b", "c d"]);
  bench.commit(3, 3);
  bench.submit("e").catch(() => {});
  bench.submit("f").catch(() => {});
  assert.deepEqual(batches(), ["a", "b", "c d"]);
  bench.turn();
  assert.deepEqual(batches(), ["a", "b", "c d", "e f"]);
});

test("GroupCommit takes the commit of an unknown batch for the error that it is", (bench) => {
  assert.throws(() => bench.commit(5, 1), /batch 5: it is not in flight/);
});
