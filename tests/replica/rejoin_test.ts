import assert from "node:assert/strict";
import { Change } from "../../src/log/change.ts";
import { OutcomeUnknownError } from "../../src/log/log.ts";
import { ForkedError } from "../../src/replica/fork.ts";
import { Rejoin } from "../../src/replica/rejoin.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Wanted } from "../../src/replica/search_attempt.ts";
import type { Found } from "../../src/replica/snapshot_search.ts";
import type { SnapshotInfo } from "../../src/snapshot/snapshot.ts";
import { Storage } from "../../src/storage/storage.ts";
import { snapshotOf } from "../support/snapshots.ts";

const TIME = "2026-01-01T00:00:00Z";
const LOG = { id: "log", firstSequence: 1, lastSequence: 0 };

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, permissions: "none", fn });
}

/** A search that the test ends. */
interface Search {
  readonly wanted: Wanted;
  readonly signal: AbortSignal;
  find(sequence: number, heals?: SnapshotInfo["heals"]): Promise<void>;
  findNothing(why: string): Promise<void>;
}

/** Lets all that is due happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A replica whose log, time and snapshots do only what the test says. */
class Bench {
  readonly proposed: number[] = [];
  readonly consumed: [number, string | null][] = [];
  readonly searches: Search[] = [];
  readonly slept: number[] = [];
  #wake = () => {};
  readonly replica = new Replica({
    propose: (batch) => this.proposed.push(batch),
    defer: (callback) => callback(),
    now: () => 0,
  }, 60_000);
  readonly rejoin = new Rejoin(this.replica, {
    consume: (after, time) => this.consumed.push([after, time]),
    sleep: (ms, signal) => {
      this.slept.push(ms);
      return new Promise((resolve, reject) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
  });

  /** @param applied How many entries it has applied, each of a user. */
  constructor(applied = 3) {
    this.rejoin.begin((wanted, signal) => this.#search(wanted, signal));
    this.replica.logOpened({ ...LOG, lastSequence: applied });
    this.replica.adopt(new Storage(), { sequence: 0, time: null });
    this.connected();
    this.apply(1, applied);
  }

  #search(wanted: Wanted, signal: AbortSignal): Promise<Found> {
    const { promise, resolve } = Promise.withResolvers<Found>();
    this.searches.push({
      wanted,
      signal,
      find: (sequence, heals) => {
        resolve({
          type: "restored",
          storage: stateAt(sequence),
          place: { sequence, time: TIME, ...(heals && { heals }) },
          account: "restored from b",
        });
        return settle();
      },
      findNothing: (account) => {
        resolve({ type: "nothing", account });
        return settle();
      },
    });
    return promise;
  }

  #tell(status: Parameters<Replica["logStatusChanged"]>[0]): void {
    this.replica.logStatusChanged(status);
    this.rejoin.logStatusChanged(status);
  }

  connected(): void {
    this.#tell({ state: "connected", reason: "entries come" });
  }

  away(): void {
    this.#tell({ state: "away", reason: "it is lost" });
  }

  ahead(): void {
    this.#tell({ state: "ahead_of_log", reason: "it is another" });
  }

  cut(missing: number): void {
    this.#tell({ state: "away", reason: `${missing} is gone`, missing });
  }

  apply(first: number, last: number): void {
    const entries = [];
    for (let sequence = first; sequence <= last; sequence++) {
      const payload = new TextEncoder().encode(`[{"user_id":"u${sequence}"}]`);
      entries.push({ sequence, time: TIME, payload });
    }
    this.replica.apply(entries, last);
  }

  async wake(): Promise<void> {
    this.#wake();
    await settle();
  }
}

function stateAt(sequence: number): Storage {
  const storage = new Storage();
  for (let i = 1; i <= sequence; i++) storage.set({ user_id: `u${i}` });
  return storage;
}

test("Rejoin goes on from a snapshot that includes the missing entry, answers gets until then, and lets those go who wait for it", async () => {
  const bench = new Bench();
  const { replica } = bench;
  bench.cut(4);
  const { logId, entry } = bench.searches[0].wanted;
  assert.deepEqual([logId, entry], ["log", 4]);
  const waiting = replica.waitFor(7);
  assert.ok(replica.readable && !replica.writable);
  assert.match(replica.reason, /^4 is gone; a snapshot is being looked for$/);
  replica.noteRestore({ reason: "restoring from b", rows: 1, percent: 50 });
  assert.throws(
    () => replica.submit(Change.set({ user_id: "x" })),
    /\(ready\): 4 is gone; restoring from b \(50 %\)/,
  );
  assert.equal(replica.getJson("u5"), undefined);
  await bench.searches[0].find(8);
  await waiting;
  assert.equal(replica.digest, stateAt(8).digest);
  assert.equal(replica.appliedSequence, 8);
  assert.deepEqual(bench.consumed, [[8, TIME]]);
  assert.equal(replica.restoreProgress, undefined);
  assert.deepEqual(replica.checkpoints(9), []);
  bench.connected();
  assert.equal(replica.state, "ready");
  bench.apply(9, 10);
  assert.equal(replica.digest, stateAt(10).digest);
});

test("Rejoin objects to a snapshot of another history where nothing shows which one the log has, and is not forked by it", () => {
  const bench = new Bench();
  bench.cut(4);
  const { objection } = bench.searches[0].wanted;
  const info = {
    logId: "log",
    sequence: 4,
    time: TIME,
    rows: 4,
    digest: undefined,
  };
  const heals = { count: 1, points: [{ sequence: 2, digest: "another" }] };
  assert.match(
    objection!({ ...info, heals })!,
    /^two histories: this replica has applied entry 3, .* healed to entry 2/,
  );
  assert.equal(objection!(info), undefined);
  assert.ok(!bench.replica.isForked);
});

test("Rejoin ends the batches under way as unknown, whatever is still said of them, and takes sets afterwards", async () => {
  const bench = new Bench();
  const { replica } = bench;
  const set = replica.submit(Change.set({ user_id: "x" }));
  const ended = assert.rejects(set, OutcomeUnknownError);
  bench.cut(4);
  await bench.searches[0].find(8);
  await ended;
  replica.proposalFailed(1, new OutcomeUnknownError("late"));
  assert.equal(replica.sets.pending, 0);
  bench.connected();
  replica.submit(Change.set({ user_id: "y" }));
  assert.deepEqual(bench.proposed, [1, 2]);
});

test("Rejoin lets a replica that catches up go on restoring, and then catch up", async () => {
  const bench = new Bench(0);
  const { replica } = bench;
  replica.logOpened({ ...LOG, lastSequence: 9 });
  replica.adopt(new Storage(), { sequence: 0, time: null }, "from start");
  assert.equal(replica.state, "catching_up");
  bench.cut(1);
  assert.equal(replica.state, "restoring");
  await bench.searches[0].find(8);
  assert.equal(replica.state, "catching_up");
  bench.connected();
  assert.match(replica.reason, /restored from b$/);
  bench.apply(9, 9);
  assert.equal(replica.state, "ready");
});

test("Rejoin tries again, less and less often, and says what helps", async () => {
  const bench = new Bench();
  bench.cut(4);
  for (let i = 0; i < 7; i++) {
    await bench.searches[i].findNothing("b: unreachable");
    assert.match(
      bench.replica.reason,
      /no snapshot that includes entry 4 .* \(b: unreachable\): .*POST \/snapshot.*PEERS.* next try in \d+ s/,
    );
    await bench.wake();
  }
  assert.deepEqual(
    bench.slept,
    [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  );
  await bench.searches[7].find(4);
  assert.equal(bench.replica.appliedSequence, 4);
});

test("Rejoin asks for more when the log is cut further meanwhile", async () => {
  const bench = new Bench();
  bench.cut(4);
  bench.away();
  bench.cut(6);
  assert.equal(bench.searches.length, 1);
  await bench.searches[0].find(5);
  assert.equal(bench.replica.appliedSequence, 3);
  assert.match(bench.replica.reason, /cut further meanwhile/);
  await bench.wake();
  assert.equal(bench.searches[1].wanted.entry, 6);
  await bench.searches[1].find(6);
  assert.equal(bench.replica.appliedSequence, 6);
});

test("Rejoin leaves it when the log has the entry again, or lost what is applied", async () => {
  for (const happen of ["connected", "ahead"] as const) {
    const bench = new Bench();
    bench.cut(4);
    bench[happen]();
    assert.ok(bench.searches[0].signal.aborted);
    assert.equal(bench.replica.restoreProgress, undefined);
    await bench.searches[0].find(8);
    assert.equal(bench.replica.appliedSequence, 3);
    assert.deepEqual(bench.consumed, []);
    bench.cut(4);
    assert.equal(bench.searches.length, 2);
  }
});

test("Rejoin never goes back: it takes no snapshot that what came meanwhile has passed, and no old news", async () => {
  for (const found of [5, 6]) {
    const bench = new Bench();
    bench.cut(4);
    bench.apply(4, 6);
    await bench.searches[0].find(found);
    assert.equal(bench.replica.appliedSequence, 6);
    assert.deepEqual(bench.consumed, []);
    assert.equal(bench.replica.restoreProgress, undefined);
    bench.cut(6);
    assert.equal(bench.searches.length, 1);
    assert.throws(
      () => bench.replica.rejoin(new Storage(), { sequence: 6, time: TIME }),
      RangeError,
    );
  }
});

test("Rejoin keeps the state of a replica whose log was healed below it, and is over then", async () => {
  const bench = new Bench();
  const { replica } = bench;
  const heals = { count: 1, points: [{ sequence: 2, digest: "x" }] };
  bench.cut(4);
  await bench.searches[0].find(8, heals);
  assert.deepEqual(
    [replica.state, replica.appliedSequence, bench.consumed],
    ["forked", 3, []],
  );
  assert.equal(replica.restoreProgress, undefined);
  bench.cut(4);
  assert.equal(bench.searches.length, 1);
});

test("Rejoin.goOnFrom() takes a fuller state although the log ends before it", async () => {
  const bench = new Bench();
  const { replica } = bench;
  bench.ahead();
  const source = (sequence: number, heals?: SnapshotInfo["heals"]) => ({
    name: "the bucket",
    open: () =>
      Promise.resolve(snapshotOf(stateAt(sequence), {
        sequence,
        time: TIME,
        ...(heals && { heals }),
      })),
  });
  const { signal } = new AbortController();
  const heals = { count: 1, points: [{ sequence: 3, digest: "x" }] };
  await bench.rejoin.goOnFrom(source(8, heals), signal);
  assert.equal(replica.digest, stateAt(8).digest);
  assert.deepEqual([replica.appliedSequence, replica.healedTo], [8, 3]);
  assert.deepEqual(bench.consumed, [[8, TIME]]);
  assert.equal(replica.restoreProgress, undefined);
  await assert.rejects(bench.rejoin.goOnFrom(source(8), signal), RangeError);
  const other = { count: 2, points: [{ sequence: 5, digest: "y" }] };
  await assert.rejects(
    bench.rejoin.goOnFrom(source(9, other), signal),
    ForkedError,
  );
  assert.deepEqual([replica.state, replica.appliedSequence], ["forked", 8]);
  await assert.rejects(
    bench.rejoin.goOnFrom(source(9), AbortSignal.abort(new Error("stop"))),
    /stop/,
  );
  assert.equal(bench.consumed.length, 1);
});

test("Rejoin ends with the service, and tells of what it can't go on from", async () => {
  const bench = new Bench();
  bench.cut(4);
  bench.rejoin.close();
  assert.ok(bench.searches[0].signal.aborted);
  bench.cut(5);
  assert.equal(bench.searches.length, 1);

  const failing = new Rejoin(bench.replica, {
    consume: () => {},
    sleep: () => Promise.resolve(),
  });
  failing.begin(() => Promise.reject(new Error("the log has failed")));
  failing.logStatusChanged({ state: "away", reason: "cut", missing: 9 });
  await assert.rejects(failing.failed, /the log has failed/);
});
