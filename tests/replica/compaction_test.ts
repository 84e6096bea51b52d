import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import {
  type CompactedLog,
  Compaction,
  isSnapshotDue,
  SETS_BETWEEN_SNAPSHOTS_MIN,
} from "../../src/replica/compaction.ts";
import { Replica } from "../../src/replica/replica.ts";
import { Storage } from "../../src/storage/storage.ts";
import { eventually } from "../support/eventually.ts";
import { restoreAll } from "../support/snapshots.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const MIN = SETS_BETWEEN_SNAPSHOTS_MIN;
const USERS = 50;

Deno.test("isSnapshotDue() waits for as many sets as users, and longer after a failure", () => {
  const cases: [sets: number, users: number, setsAtFailure: number, boolean][] =
    [
      [MIN - 1, 0, 0, false],
      [MIN, 0, 0, true],
      [MIN, MIN + 1, 0, false],
      [MIN + 1, MIN + 1, 0, true],
      [MIN + 9, 0, 10, false],
      [MIN + 10, 0, 10, true],
      [3 * MIN, 4 * MIN, MIN, false],
    ];
  for (const [sets, users, setsAtFailure, due] of cases) {
    assert.equal(isSnapshotDue({ sets, users, setsAtFailure }), due);
  }
});

/** The embedded log with a replica that applies it, in this thread. */
class Bench implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly log = new SqliteLog(this.#folder.path);
  readonly model = new Storage();
  readonly replica = new Replica({
    propose: () => {},
    defer: queueMicrotask,
    now: () => performance.now(),
  }, 1_000);

  static async open(): Promise<Bench> {
    const bench = new Bench();
    bench.replica.logOpened(await bench.log.open());
    bench.replica.logStatusChanged({ state: "connected", reason: "" });
    bench.replica.adopt(new Storage(), { sequence: 0, time: null });
    return bench;
  }

  /** Sets users, a thousand in each entry. */
  async set(count: number): Promise<void> {
    const encoder = new TextEncoder();
    for (let i = 0; i < count; i += 1_000) {
      const sequence = this.replica.appliedSequence + 1;
      const patches = Array.from(
        { length: Math.min(1_000, count - i) },
        (_, j) => ({ user_id: `user-${j % USERS}`, spp: sequence + j }),
      );
      for (const patch of patches) this.model.set(patch);
      const payload = encoder.encode(JSON.stringify(patches));
      await this.log.propose(sequence, payload);
      const { time } = await this.log.locate(sequence);
      this.replica.apply([{ sequence, time: time!, payload }], sequence);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("Compaction keeps one snapshot, the newest, and lets go of the entries that it includes", async () => {
  await using bench = await Bench.open();
  const { log, replica } = bench;
  let trims = 0;
  const compaction = new Compaction(replica, {
    snapshots: log.snapshots,
    trim: async (sequence) => {
      trims++;
      replica.firstSequenceMoved(await log.trim(sequence));
    },
  });
  await bench.set(MIN - 1);
  compaction.consider();
  await sleep(0);
  assert.deepEqual(await log.snapshots.list(), []);
  for (const round of [1, 2]) {
    await bench.set(round === 1 ? 1 : MIN);
    const { appliedSequence } = replica;
    compaction.consider();
    // One at a time.
    compaction.consider();
    await eventually(() => assert.equal(trims, round));
    const [{ id, info }, ...older] = await log.snapshots.list();
    assert.deepEqual(older, []);
    assert.equal(info.sequence, appliedSequence);
    assert.equal(replica.log!.firstSequence, appliedSequence + 1);
    const { signal } = new AbortController();
    const copy = await restoreAll(await log.snapshots.open(id, signal));
    assert.equal(copy.digest, bench.model.digest);
    compaction.consider();
  }
});

Deno.test("Compaction leaves the log as it is when a snapshot fails, and tries again after as many sets", async () => {
  await using bench = await Bench.open();
  let tries = 0;
  const log: CompactedLog = {
    snapshots: {
      list: () => Promise.resolve([]),
      open: () => Promise.reject(new Error("none")),
      verify: () => Promise.reject(new Error("none")),
      delete: () => Promise.resolve(),
      create: () => {
        tries++;
        return Promise.reject(new Error("the disk is full"));
      },
    },
    trim: () => {
      throw new Error("nothing replaces the entries");
    },
  };
  const compaction = new Compaction(bench.replica, log);
  const consider = async () => {
    compaction.consider();
    await sleep(0);
    return tries;
  };
  await bench.set(MIN);
  assert.equal(await consider(), 1);
  assert.equal(await consider(), 1);
  await bench.set(MIN - 1);
  assert.equal(await consider(), 1);
  await bench.set(1);
  assert.equal(await consider(), 2);
});
