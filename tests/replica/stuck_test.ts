import { configure, reset } from "@logtape/logtape";
import assert from "node:assert/strict";
import {
  Change,
  decodeEntry,
  entryText,
  type EntryVersion,
  isDeletion,
} from "../../src/log/change.ts";
import { encodeEntry } from "../../src/log/entry_payload.ts";
import { type LogEntry, NotStoredError } from "../../src/log/log.ts";
import { WINDOW_MESSAGES } from "../../src/log/thread/window.ts";
import { RETRY_MS } from "../../src/replica/applier.ts";
import { NotAppliedError } from "../../src/replica/endings.ts";
import { NotReadyError } from "../../src/replica/not_ready.ts";
import { Replica } from "../../src/replica/replica.ts";
import { Storage } from "../../src/storage/storage.ts";
import { type Kind, largeId, withoutMemory } from "../support/memory.ts";

const permissions = "none";
const TIME = "2026-01-01T00:00:00Z";

/** A replica whose log does only what the test says. */
class Bench {
  now = 0;
  /** What the replica finds no memory for. */
  without: Kind | undefined;
  /** What was proposed, batch 1 first. */
  readonly proposed: { text: string; version: EntryVersion }[] = [];
  /** The numbers of the deliveries that the log was told are taken. */
  readonly taken: number[] = [];
  #deliveries = 0;
  readonly replica: Replica;
  /** What a replica with room has. */
  readonly model = new Storage();

  /** @param lastSequence Where it has caught up. */
  constructor(lastSequence = 0) {
    this.replica = new Replica({
      propose: (_batch, text, version) => this.proposed.push({ text, version }),
      defer: (callback) => callback(),
      now: () => this.now,
    }, 60_000);
    this.replica.logStatusChanged({ state: "connected", reason: "it is open" });
    this.replica.logOpened({ id: "log", firstSequence: 1, lastSequence });
    this.replica.adopt(new Storage(), { sequence: 0, time: null });
  }

  /** Gives the replica entries that others have proposed. */
  deliver(first: number, ...texts: string[]): void {
    this.give(texts.map((text, i) => {
      const payload = encodeEntry(text);
      for (const patch of decodeEntry(payload)) this.model.set(patch);
      return { sequence: first + i, time: TIME, payload };
    }));
  }

  /** Gives the replica its own batch back. */
  land(batch: number, sequence: number): void {
    const { text, version } = this.proposed[batch - 1];
    for (const change of decodeEntry(encodeEntry(text), version)) {
      if (isDeletion(change)) this.model.delete(change.user_id);
      else this.model.set(change);
    }
    this.give([{ sequence, time: TIME, batch }]);
  }

  give(entries: LogEntry[]): void {
    const number = ++this.#deliveries;
    this.#run(() =>
      this.replica.apply(
        entries,
        entries.at(-1)!.sequence,
        () => this.taken.push(number),
      )
    );
  }

  /** Lets time pass until what found no room is tried again. */
  retry(): void {
    this.now += RETRY_MS;
    this.#run(() => this.replica.tick());
  }

  #run(run: () => void): void {
    if (this.without === undefined) run();
    else withoutMemory(this.without, run);
  }

  /** What the replica says of itself. */
  get view() {
    const { appliedSequence, users, digest } = this.replica;
    return [appliedSequence, users, digest];
  }
}

function text(...ids: string[]): string {
  return entryText(
    ids.map((user_id) => Change.set({ user_id, spp: 1 }).change),
  );
}

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, permissions, fn });
}

test("Replica that goes on from a snapshot while an entry has no room forgets that entry and those behind it", () => {
  const bench = new Bench();
  const { replica } = bench;
  bench.without = "arrays";
  bench.deliver(1, text("a"), text("b"));
  assert.deepEqual([replica.appliedSequence, replica.isStuck], [0, true]);
  bench.without = undefined;
  replica.rejoin(new Storage(), { sequence: 9, time: TIME });
  assert.deepEqual([replica.appliedSequence, replica.isStuck], [9, false]);
  bench.retry();
  bench.give([{ sequence: 10, time: TIME, payload: encodeEntry(text("c")) }]);
  assert.deepEqual(bench.view.slice(0, 2), [10, 1]);
  assert.deepEqual(bench.taken, [2]);
});

test("Replica tells every set of a batch that finds no room that it is stored, and goes on from the very record", async () => {
  const bench = new Bench();
  const { replica } = bench;
  bench.deliver(1, text("old"));
  const before = bench.view;
  const first = replica.submit(Change.set({ user_id: "alone" }));
  const ids = ["a", largeId("b"), "c"];
  const sets = ids.map((user_id) =>
    replica.submit(Change.set({ user_id, spp: 2 }))
  );
  bench.land(1, 2);
  await first;
  const whole = bench.view;
  assert.notDeepEqual(whole, before);
  // The next batch is proposed before the one that came back is applied.
  bench.without = "records";
  bench.land(2, 3);
  bench.without = undefined;
  for (const set of sets) {
    await assert.rejects(set, (error) => {
      assert.ok(error instanceof NotAppliedError);
      assert.match(error.message, /is stored, as part of entry 3 of the log/);
      return true;
    });
  }
  assert.equal(replica.sets.pending, 0);
  assert.equal(replica.sets.counts.rejected.not_applied, 3);
  assert.deepEqual(bench.view, whole);
  assert.equal(replica.digestAt(2), whole[2]);

  bench.retry();
  assert.deepEqual(bench.view, [3, bench.model.size, bench.model.digest]);
  assert.match(replica.getJson("c")!, /"spp":2,/);
  assert.equal(replica.sets.counts.committed, 1);
});

test("Replica that finds no room after a deletion shows no half of the entry, and deletes nothing twice when it goes on", async () => {
  const bench = new Bench();
  const { replica } = bench;
  bench.deliver(1, text("a", "b"));
  const first = replica.delete({ user_id: "none" });
  bench.land(1, 2);
  assert.deepEqual(await first, {
    user_id: "none",
    existed: false,
    sequence: 2,
  });
  // The others wait for it, and share the next entry.
  const alone = replica.set({ user_id: "alone" });
  const waiting = [
    replica.delete({ user_id: "a" }),
    replica.setMany([{ user_id: largeId("c") }, { user_id: "d" }]),
    replica.deleteMany([{ user_id: "a" }, { user_id: "b" }]),
  ];
  bench.land(2, 3);
  await alone;
  const before = bench.view;
  bench.without = "records";
  bench.land(3, 4);
  for (const change of waiting) await assert.rejects(change, NotAppliedError);
  assert.deepEqual(bench.view, before);
  assert.ok(!replica.isWhole);
  bench.without = undefined;
  bench.retry();
  assert.deepEqual(bench.view, [4, 3, bench.model.digest]);
  assert.equal(replica.applied.deletions, 4);
});

test("Replica that finds no room answers gets, refuses sets and serves no half-applied state", () => {
  const bench = new Bench();
  const { replica } = bench;
  bench.deliver(1, text("old"));
  bench.without = "records";
  bench.deliver(2, text("new", largeId("a")));
  bench.without = undefined;
  assert.ok(replica.isStuck);
  assert.match(replica.getJson("old")!, /"spp":1,/);
  assert.ok(replica.readable);
  assert.ok(!replica.writable);
  assert.match(replica.reason, /^entry 2 can't be applied: .* no memory/);
  assert.throws(
    () => replica.submit(Change.set({ user_id: "x" })),
    NotReadyError,
  );
  assert.throws(() => replica.snapshot(), NotReadyError);
  bench.retry();
  assert.ok(!replica.isStuck);
  assert.ok(replica.writable);
  using snapshot = replica.snapshot();
  assert.equal(snapshot.info.sequence, 2);
});

test("Replica that finds no room for an entry's first record still serves the state before it", () => {
  const bench = new Bench();
  bench.deliver(1, text("old"));
  bench.without = "records";
  bench.deliver(2, text(largeId("a"), "b"));
  bench.without = undefined;
  using snapshot = bench.replica.snapshot();
  const { sequence, rows } = snapshot.info;
  assert.deepEqual([sequence, rows], [1, 1]);
});

test("Replica holds back what comes behind an entry that finds no room, and applies it in order after it", () => {
  const bench = new Bench();
  bench.deliver(1, text("a"));
  bench.without = "records";
  bench.deliver(2, text("b"), text("c", largeId("c")), text("c"));
  bench.without = undefined;
  bench.deliver(5, text("c"));
  bench.deliver(6, text(largeId("d")), text("c"));
  assert.deepEqual(bench.taken, [1]);
  assert.equal(bench.replica.appliedSequence, 2);
  assert.equal(bench.replica.lastSequence, 7);
  // There is room for the one and not for the next.
  bench.without = "arrays";
  bench.retry();
  bench.without = undefined;
  bench.retry();
  assert.deepEqual(bench.taken, [1, 2, 3, 4]);
  assert.deepEqual(bench.view, [7, bench.model.size, bench.model.digest]);
});

test("Replica tries about once a second, and says once that it stops and once that it goes on", async () => {
  const lines: string[] = [];
  await configure({
    sinks: {
      lines: ({ level, message }) =>
        lines.push(`${level} ${message.join("").slice(0, 13)}`),
    },
    loggers: [{ category: ["usergrade", "replica"], sinks: ["lines"] }, {
      category: ["logtape", "meta"],
      lowestLevel: "error",
    }],
  });
  const bench = new Bench();
  bench.without = "records";
  bench.deliver(1, text(largeId("a")));
  for (let i = 0; i < 3; i++) bench.retry();
  bench.without = undefined;
  bench.now += RETRY_MS - 1;
  bench.replica.tick();
  assert.ok(bench.replica.isStuck);
  bench.now += 1;
  bench.replica.tick();
  assert.ok(!bench.replica.isStuck);
  await reset();
  assert.deepEqual(lines.filter((line) => line.includes("Applying")), [
    "error Applying stop",
    "info Applying goes",
  ]);
});

test("Replica that finds no room while it catches up is ready once there is some", () => {
  const bench = new Bench(3);
  bench.without = "records";
  bench.deliver(1, text("a"), text(largeId("b")), text("c"));
  bench.without = undefined;
  assert.equal(bench.replica.state, "catching_up");
  assert.throws(() => bench.replica.getJson("a"), NotReadyError);
  bench.retry();
  assert.equal(bench.replica.state, "ready");
  assert.deepEqual(bench.view, [3, bench.model.size, bench.model.digest]);
});

test("Replica that finds no room refuses the sets that wait, and ends those in flight when they land", async () => {
  const bench = new Bench();
  const { replica } = bench;
  const inFlight = replica.submit(Change.set({ user_id: "in flight" }));
  const queued = replica.submit(Change.set({ user_id: "queued" }));
  bench.without = "records";
  bench.deliver(1, text(largeId("a")));
  bench.without = undefined;
  await assert.rejects(queued, NotStoredError);
  bench.land(1, 2);
  bench.retry();
  assert.equal((await inFlight).sequence, 2);
});

test("Replica takes no more behind a stuck entry than the window of the log", () => {
  const bench = new Bench();
  bench.without = "records";
  bench.deliver(1, text(largeId("a")));
  bench.without = undefined;
  for (let i = 2; i <= WINDOW_MESSAGES; i++) bench.deliver(i, text("b"));
  assert.throws(
    () => bench.deliver(WINDOW_MESSAGES + 1, text("b")),
    /more than the \d+ deliveries/,
  );
});

test("Replica says at the retry that the entry behind a stuck one is missing", () => {
  const bench = new Bench();
  bench.without = "records";
  bench.deliver(1, text(largeId("a")));
  bench.without = undefined;
  bench.deliver(3, text("b"));
  assert.throws(() => bench.retry(), /gave entry 3 after entry 1/);
});
