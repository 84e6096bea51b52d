import assert from "node:assert/strict";
import { UnavailableError } from "../../src/errors.ts";
import {
  BACK_OFF_MIN_MS,
  FORBIDDEN_WAIT_MS,
  OTHERS_WAIT_MS,
  TRIM_WAIT_MS,
} from "../../src/replica/compaction.ts";
import { CALL_LIMIT_MS } from "../../src/replica/store_calls.ts";
import {
  NoPlaceError,
  WAITING_MAX,
} from "../../src/replica/compaction_requests.ts";
import { LOOK_MS } from "../../src/replica/compaction_progress.ts";
import { Compactors } from "../../src/replica/compactors.ts";
import { SnapshotStoreError } from "../../src/snapshot/store.ts";
import { countNames, runSeeds } from "../simulation/seeds.ts";
import { newSeed, Random } from "../support/random.ts";
import { SimulatedTime } from "../support/simulated_time.ts";
import {
  CALM,
  CompactionWorld,
  SimulatedCompactor,
} from "./compaction_world.ts";

const permissions = "none";

/** Longer than any step takes in calm weather. */
const A_WHILE_MS = 2_000;

class Bench {
  readonly time = new SimulatedTime();
  readonly world = new CompactionWorld(this.time, new Random(1));

  async pass(ms: number): Promise<void> {
    await this.time.runUntil(this.time.now + ms);
  }

  /** The log grows at once. */
  async grow(entries: number): Promise<void> {
    this.world.lastSequence += entries;
    await this.pass(A_WHILE_MS);
  }
}

function test(name: string, fn: (bench: Bench) => Promise<void>): void {
  Deno.test({ name, permissions, fn: () => fn(new Bench()) });
}

/** @returns How a promise has ended, if it has. */
async function endOf(promise: Promise<unknown>): Promise<unknown> {
  return await Promise.race([
    promise.then((value) => value, (error) => error),
    Promise.resolve().then(() => Promise.resolve("pending")),
  ]);
}

test("a Compactor keeps two snapshots, and cuts the log behind the older one", async (bench) => {
  const { world } = bench;
  const a = new SimulatedCompactor("a", world);
  await bench.grow(100);
  assert.deepEqual(world.done, []);
  assert.equal(a.compactor.newest, null);
  await bench.grow(1);
  await bench.grow(101);
  await bench.grow(101);
  assert.deepEqual(world.done, [
    "a writes 101",
    "a writes 202",
    "a trims 101",
    "a writes 303",
    "a deletes 101",
    "a trims 202",
  ]);
  assert.deepEqual(a.compactor.newest, {
    sequence: 303,
    time: world.timeOf(303),
    bytes: 5,
  });
  assert.equal(a.compactor.logBytesSince, 0);
  await bench.grow(7);
  assert.equal(a.compactor.logBytesSince, 7);
  assert.equal(a.compactor.problem, undefined);
  assert.equal(a.compactor.failures, 0);
});

test("a Compactor whose date is a year behind makes a snapshot in each interval in which something changes", async (bench) => {
  const { world } = bench;
  const date = world.date.bind(world);
  world.date = () => date() - 365 * 86_400_000;
  new SimulatedCompactor("a", world, { interval_ms: 60_000 });
  await bench.grow(101);
  for (let minute = 0; minute < 3; minute++) {
    await bench.grow(1);
    await bench.pass(75_000);
  }
  await bench.pass(600_000);
  assert.deepEqual(
    world.done.filter((done) => done.includes("writes")),
    [101, 102, 103, 104].map((sequence) => `a writes ${sequence}`),
  );
});

test("the second of two replicas writes only if the first does not, for a minute", async (bench) => {
  const { world } = bench;
  const a = new SimulatedCompactor("a", world);
  const b = new SimulatedCompactor("b", world);
  b.rank = 1;
  await bench.grow(101);
  assert.deepEqual(world.done, ["a writes 101"]);
  await bench.pass(2 * OTHERS_WAIT_MS);
  assert.deepEqual(b.compactor.newest, a.compactor.newest);
  a.isDead = true;
  await bench.grow(101);
  await bench.pass(OTHERS_WAIT_MS - A_WHILE_MS - 1_000);
  assert.deepEqual(world.done, ["a writes 101"]);
  await bench.pass(LOOK_MS);
  // It finishes what is to be done after that too, in its turn.
  await bench.pass(OTHERS_WAIT_MS + A_WHILE_MS);
  assert.deepEqual(world.done.slice(1), ["b writes 202", "b trims 101"]);
});

test("a trim waits for a replica that is catching up, and not for ever", async (bench) => {
  const { world } = bench;
  const a = new SimulatedCompactor("a", world);
  a.slowestSequence = 3;
  await bench.grow(101);
  await bench.grow(101);
  assert.deepEqual(world.done, ["a writes 101", "a writes 202"]);
  await bench.pass(TRIM_WAIT_MS);
  assert.equal(world.firstSequence, 101);
});

test("make() begins a snapshot after the call, and says what was made once it was read back", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  await bench.grow(10);
  const first = compactor.make();
  await bench.pass(300);
  assert.equal(await endOf(first), "pending");
  world.lastSequence += 5;
  // The one under way began before these.
  const second = compactor.make();
  const third = compactor.make();
  await bench.pass(A_WHILE_MS);
  assert.deepEqual(await first, { sequence: 10, rows: 1, bytes: 5 });
  assert.deepEqual(await second, { sequence: 15, rows: 1, bytes: 5 });
  assert.deepEqual(await third, await second);
  assert.ok(world.verified.every(({ isVerified }) => isVerified));
  assert.deepEqual(world.done, ["a writes 10", "a writes 15", "a trims 10"]);
  // With nothing new it is made all the same: so the older one goes.
  const fourth = compactor.make();
  await bench.pass(A_WHILE_MS);
  assert.deepEqual(await fourth, { sequence: 15, rows: 1, bytes: 5 });
  assert.equal(world.firstSequence, 15);
});

test("make() has a limit, and says why none can be made", async (bench) => {
  const { world } = bench;
  const a = new SimulatedCompactor("a", world);
  const { compactor } = a;
  await bench.grow(10);
  const waiting = Array.from({ length: WAITING_MAX }, () => compactor.make());
  await assert.rejects(compactor.make(), /64 requests wait/);
  await bench.pass(A_WHILE_MS);
  await Promise.all(waiting);

  const refused = async (says: RegExp, ErrorClass = UnavailableError) => {
    const made = compactor.make();
    await bench.pass(A_WHILE_MS);
    const end = await endOf(made);
    assert.ok(end instanceof ErrorClass, `${end}`);
    assert.match(end.message, says);
  };
  a.blocked = "it is restoring";
  await refused(/it is restoring/);
  a.blocked = undefined;
  world.put(9_999);
  await refused(/the log has lost entries: it ends at 10, .* at 9999/);
  assert.match(compactor.problem!, /the log has lost entries/);
  world.stored.clear();
  world.weather.fail = 100;
  await refused(/in the store: failed/);
  world.weather.fail = 0;
  world.isForbidden = true;
  await refused(/in the store: not allowed/, NoPlaceError);
  world.isForbidden = false;
  // It is tried at once, though the store is off.
  const made = compactor.make();
  await bench.pass(A_WHILE_MS);
  assert.deepEqual(await made, { sequence: 10, rows: 1, bytes: 5 });
  await compactor.stop();
  await refused(/the service is stopping/);
});

test("who asks for snapshots all the time keeps no older ones and no log, and gets them even where nothing can be deleted", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  let made = 0;
  const ask = (): void =>
    void compactor.make().then(() => {
      made++;
      world.lastSequence++;
      ask();
    });
  await bench.grow(10);
  ask();
  await bench.pass(10 * A_WHILE_MS);
  assert.ok(made > 10);
  assert.ok(world.stored.size <= 3, `${world.stored.size} snapshots`);
  assert.ok(world.firstSequence > world.lastSequence - 5);
  world.keepsAll = true;
  const before = made;
  await bench.pass(10 * A_WHILE_MS);
  assert.ok(made > before + 5, `${made - before} were made`);
  assert.ok(compactor.failures > 0);
});

test("a snapshot that is damaged when it is read back is deleted, and made again after a while", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  world.weather.damage = 100;
  await bench.grow(101);
  assert.deepEqual(world.done, ["a writes 101", "a deletes 101"]);
  assert.equal(compactor.failures, 1);
  assert.match(compactor.problem!, /damaged/);
  world.weather.damage = 0;
  await bench.pass(11_000);
  assert.deepEqual(world.done.slice(2), ["a writes 101"]);
  assert.equal(compactor.problem, undefined);
});

test("a failure is over once nothing is left to be done, whoever did it", async (bench) => {
  const { world } = bench;
  const a = new SimulatedCompactor("a", world);
  const b = new SimulatedCompactor("b", world);
  b.rank = 1;
  await bench.grow(10);
  world.weather.fail = 100;
  await bench.pass(LOOK_MS + A_WHILE_MS);
  for (const { compactor } of [a, b]) {
    assert.match(compactor.problem!, /failed/);
  }
  world.weather.fail = 0;
  await bench.pass(60_000);
  for (const { compactor } of [a, b]) {
    assert.equal(compactor.problem, undefined);
  }
});

test("a request does not fail with a step that began before it", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  await bench.grow(101);
  const made: Promise<unknown>[] = [];
  world.trim = () => {
    made.push(compactor.make());
    throw new Error("no answer");
  };
  await bench.grow(101);
  const trim = CompactionWorld.prototype.trim;
  world.trim = (name, sequence) => trim.call(world, name, sequence);
  await bench.pass(A_WHILE_MS);
  assert.equal(made.length, 1);
  assert.deepEqual(await endOf(made[0]), { sequence: 202, rows: 1, bytes: 5 });
});

test("a request does not fail with a look that began before it, whoever else asked before", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  await bench.grow(10);
  const { list } = CompactionWorld.prototype;
  const made: Promise<unknown>[] = [];
  world.list = () => {
    world.list = () => list.call(world);
    made.push(compactor.make());
    throw new Error("no answer");
  };
  const first = compactor.make();
  await bench.pass(A_WHILE_MS);
  assert.match(String(await endOf(first)), /UnavailableError: .*no answer/);
  assert.equal(made.length, 1);
  assert.deepEqual(await endOf(made[0]), { sequence: 10, rows: 1, bytes: 5 });
});

test("a store that may not be used is off until it may, and nothing else fails", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  world.isForbidden = true;
  await bench.grow(101);
  assert.equal(compactor.problem, "not allowed");
  assert.equal(compactor.failures, 0);
  world.isForbidden = false;
  await bench.pass(FORBIDDEN_WAIT_MS - 2 * A_WHILE_MS);
  assert.deepEqual(world.done, []);
  await bench.pass(3 * A_WHILE_MS);
  assert.deepEqual(world.done, ["a writes 101"]);
  assert.equal(compactor.problem, undefined);
});

test("a snapshot that is not listed after it was written is deleted, and another one is made only after a wait", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  world.hidesAll = true;
  world.lastSequence = 10;
  const made = compactor.make();
  await bench.pass(A_WHILE_MS);
  assert.match(String(await endOf(made)), /UnavailableError: .*is not listed/);
  assert.deepEqual(world.done, ["a writes 10", "a deletes 10"]);
  assert.match(compactor.problem!, /is not listed/);
  await bench.grow(101);
  await bench.pass(BACK_OFF_MIN_MS - 3 * A_WHILE_MS);
  assert.equal(world.done.length, 2);
  world.hidesAll = false;
  await bench.pass(3 * A_WHILE_MS);
  assert.deepEqual(world.done.slice(2), ["a writes 111"]);
  assert.equal(compactor.problem, undefined);
});

test("a store that never answers is given up, and tried again", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  world.weather.hang = 100;
  await bench.grow(101);
  assert.ok(compactor.isBusy);
  await bench.pass(CALL_LIMIT_MS);
  assert.match(compactor.problem!, /listing the snapshots takes too long/);
  world.weather.hang = 0;
  await bench.pass(20_000);
  assert.deepEqual(world.done, ["a writes 101"]);
});

test("stop() ends the snapshot under way, which is not kept", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  world.weather.delay_ms = 2_000;
  world.lastSequence = 10;
  const made = compactor.make();
  await bench.pass(5_000);
  assert.ok(compactor.isBusy);
  const stopped = compactor.stop();
  await assert.rejects(made, /the service is stopping/);
  await stopped;
  assert.ok(!compactor.isBusy);
  await bench.pass(60_000);
  assert.deepEqual(world.list(), []);
});

test("snapshots of another log and of another history are left alone, and stand in for nothing", async (bench) => {
  const { world } = bench;
  world.lastSequence = 500;
  const other = world.put(400, { logId: "other" });
  const forked = world.put(300, { time: "2026-01-01T00:00:00Z" });
  const beyond = world.put(9_000, { logId: "other" });
  new SimulatedCompactor("a", world);
  await bench.pass(A_WHILE_MS);
  await bench.grow(101);
  await bench.grow(101);
  assert.deepEqual(world.done, [
    "a writes 500",
    "a writes 601",
    "a trims 500",
    "a writes 702",
    "a deletes 500",
    "a trims 601",
  ]);
  for (const id of [other, forked, beyond]) assert.ok(world.stored.has(id));
});

test("the log is not cut behind a snapshot whose entry it has changed since", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  await bench.grow(101);
  const timeOf = world.timeOf.bind(world);
  // The log was put back to an older state, and went another way from there.
  world.timeOf = (sequence) =>
    sequence === 101 ? "2026-01-01T00:00:00Z" : timeOf(sequence);
  await bench.grow(101);
  assert.deepEqual(world.done, ["a writes 101", "a writes 202"]);
  assert.equal(compactor.failures, 1);
  await bench.grow(101);
  assert.deepEqual(world.done.slice(2), ["a writes 303", "a trims 202"]);
});

test("another replica's snapshot that nobody reads back is read back, and deleted if it is damaged", async (bench) => {
  const { world } = bench;
  new SimulatedCompactor("a", world);
  world.lastSequence = 101;
  world.put(90, { isVerified: false });
  await bench.pass(50_000);
  assert.deepEqual(world.verified, []);
  await bench.pass(20_000);
  assert.equal(world.verified.length, 1);
  world.put(99, { isVerified: false, isDamaged: true });
  await bench.pass(80_000);
  assert.deepEqual(world.done, ["a deletes 99"]);
});

test("a log that was cut behind one snapshot, as version 1.1 did, gets a second one at once", async (bench) => {
  const { world } = bench;
  world.lastSequence = 120;
  world.put(100, { isVerified: false });
  world.firstSequence = 101;
  new SimulatedCompactor("a", world, {}, {
    isShared: false,
    trims: true,
    kept: 2,
  });
  await bench.pass(A_WHILE_MS);
  assert.deepEqual(world.done, ["a writes 120"]);
  assert.equal(world.verified.length, 2);
  await bench.grow(101);
  assert.deepEqual(world.done.slice(1), [
    "a writes 221",
    "a deletes 100",
    "a trims 120",
  ]);
});

test("a snapshot that can't be read back is given up, and another one is made", async (bench) => {
  const { world } = bench;
  const { compactor } = new SimulatedCompactor("a", world);
  const verify = world.verify.bind(world);
  const broken = new Set<string>();
  world.verify = (id) => {
    if (broken.size === 0) broken.add(id);
    if (broken.has(id)) throw new SnapshotStoreError("a bad sector");
    return verify(id);
  };
  await bench.grow(101);
  assert.match(compactor.problem!, /a bad sector/);
  await bench.pass(200_000);
  assert.deepEqual(world.done, ["a writes 101", "a writes 101"]);
  assert.equal(compactor.problem, undefined);
  // Two that were read back are newer then.
  await bench.grow(101);
  assert.ok(world.stored.has([...broken][0]) === false);
});

test("a snapshot that was damaged after it was read back does not count, however many replicas come and go", async (bench) => {
  const { world } = bench;
  let a = new SimulatedCompactor("a", world);
  await bench.grow(101);
  await bench.grow(101);
  const [second, first] = world.verified;
  second.isDamaged = true;
  await bench.grow(101);
  // The damaged one is the older one now, and is not counted on.
  assert.ok(world.stored.has(first.id));
  assert.equal(world.firstSequence, first.info.sequence);
  a.isDead = true;
  a = new SimulatedCompactor("b", world);
  await bench.grow(101);
  await bench.pass(60_000);
  const whole = world.verified.filter(({ isDamaged }) => !isDamaged);
  assert.ok(whole.length >= 2);
  assert.equal(world.firstSequence, whole[1].info.sequence);
  assert.ok(!world.stored.has(second.id));
  // A restore has found it: the newest that counts is the one before.
  const { sequence } = whole[1].info;
  a.compactor.doubt(whole[0].id);
  assert.equal(a.compactor.newest?.sequence, sequence);
});

test("Compactors work one at a time, and make() has one made in each place", async (bench) => {
  const { world, time } = bench;
  const other = new CompactionWorld(time, new Random(2));
  const log = new SimulatedCompactor("log", world);
  const folder = new SimulatedCompactor("folder", other, {}, {
    isShared: false,
    trims: false,
    kept: 2,
  });
  // They are given their turns by what is tested here.
  log.isDead = folder.isDead = true;
  await bench.pass(200);
  log.isDead = folder.isDead = false;
  const both = new Compactors({
    log: log.compactor,
    folder: folder.compactor,
  });
  let together = 0;
  const tick = () => {
    both.tick(time.now);
    if (log.compactor.isBusy && folder.compactor.isBusy) together++;
    time.after(100, tick);
  };
  tick();
  world.lastSequence = other.lastSequence = 10;
  const made = both.make();
  await bench.pass(A_WHILE_MS);
  assert.deepEqual(await made, { sequence: 10, rows: 1, bytes: 5 });
  assert.equal(world.verified.length, 1);
  assert.equal(other.verified.length, 1);
  for (let i = 0; i < 4; i++) {
    other.lastSequence += 101;
    await bench.grow(101);
  }
  assert.equal(together, 0);
  assert.equal(world.verified.length, 2);
  assert.equal(other.verified.length, 2);
  assert.equal(other.firstSequence, 1);
  // A place that is off is passed over.
  world.isForbidden = true;
  const again = both.make();
  await bench.pass(A_WHILE_MS);
  assert.deepEqual(await again, { sequence: 414, rows: 1, bytes: 5 });
  // The folder was asked for, so that its failure is told, and what was made.
  world.isForbidden = false;
  other.isForbidden = true;
  const half = both.make();
  half.catch(() => {});
  await bench.pass(A_WHILE_MS);
  await assert.rejects(half, {
    name: "UnavailableError",
    message:
      /^No snapshot was made in the store: not allowed\. One was made in the store, at sequence 414$/,
  });
  world.isForbidden = true;
  const never = both.make();
  never.catch(() => {});
  await bench.pass(A_WHILE_MS);
  await assert.rejects(never, NoPlaceError);
});

const SEEDS = 100;
const STORM_MS = 600_000;
/** Longer than a call that hangs, and the longest back-off after it. */
const CALM_MS = 1_500_000;
/** Longer than all have their turns. */
const QUIET_MS = 400_000;

/** Some compactors of one store, some of which die, in bad weather. */
class Storm extends Bench {
  override readonly world: CompactionWorld;
  readonly #alive: SimulatedCompactor[] = [];
  readonly #made: { from: number; made: Promise<unknown> }[] = [];
  #names = 0;
  isOver = false;
  isQuiet = false;

  constructor(readonly random: Random) {
    super();
    this.world = new CompactionWorld(this.time, random);
    this.world.tick_ms = 2_500;
    this.world.weather = {
      fail: random.pick([0, 2, 10]),
      hang: random.pick([0, 0, 2]),
      damage: random.pick([0, 10]),
      delay_ms: random.pick([20, 500, 5_000]),
    };
    this.#start();
    this.#start();
    if (random.below(2) === 0) this.#start();
  }

  #start(): void {
    const { random } = this;
    const born = new SimulatedCompactor(`c${++this.#names}`, this.world);
    this.#alive.push(born);
    // Sometimes they don't hear each other.
    const isDeaf = random.below(3) === 0;
    born.rank = isDeaf ? 0 : this.#alive.length - 1;
  }

  #die(): void {
    const dead = this.#alive.splice(this.random.below(this.#alive.length), 1);
    for (const one of dead) one.isDead = true;
    this.#alive.forEach((one, i) => one.rank = Math.min(one.rank, i));
    this.time.after(this.random.below(100_000), () => this.#start());
  }

  #later(most_ms: number, run: () => void): void {
    this.time.after(this.random.below(most_ms), () => {
      if (this.isOver) return;
      run();
      this.#later(most_ms, run);
    });
  }

  async run(): Promise<void> {
    const { random, world, time } = this;
    const grow = () => {
      if (this.isQuiet) return;
      world.lastSequence += random.below(20);
      for (const one of this.#alive) one.lag = random.below(30);
      time.after(random.below(4_000), grow);
    };
    grow();
    this.#later(400_000, () => this.#alive.length > 1 && this.#die());
    this.#later(300_000, () => {
      const one = random.pick(this.#alive);
      const made = one.compactor.make();
      made.catch(() => {});
      this.#made.push({ from: one.appliedSequence, made });
    });
    this.#later(500_000, () => {
      world.isForbidden = random.below(3) === 0;
    });
    this.#later(800_000, () => this.#damage());
    this.#later(300_000, () => {
      for (const one of this.#alive) {
        one.slowestSequence = random.pick([undefined, random.below(1_000)]);
      }
    });
    await this.pass(STORM_MS);
    this.isOver = true;
    world.isForbidden = false;
    world.weather = { ...CALM };
    for (const one of this.#alive) one.slowestSequence = undefined;
    await this.pass(CALM_MS);
    const held = world.lastSequence - world.firstSequence;
    // Two intervals, and what came while one was written or others waited.
    assert.ok(held < 2 * 100 + 2_000, `the log holds ${held} entries`);
    this.isQuiet = true;
    await this.pass(QUIET_MS);
    await this.#check();
  }

  /** A bit of a verified snapshot flips: at most of one at a time. */
  #damage(): void {
    const { verified } = this.world;
    if (
      verified.length < 2 || verified.some(({ isDamaged }) => isDamaged)
    ) return;
    this.random.pick(verified).isDamaged = true;
  }

  async #check(): Promise<void> {
    const { world } = this;
    if (world.violation !== undefined) throw world.violation;
    assert.equal(world.verified.length, 2, "two are kept");
    assert.ok(
      world.list().filter(({ isVerified }) => !isVerified).length <= 1,
      "what is not needed is deleted",
    );
    for (const { from, made } of this.#made) {
      const end = await endOf(made);
      if (end === "pending") continue;
      if (end instanceof Error) {
        assert.ok(end instanceof UnavailableError, `${end}`);
      } else assert.ok((end as { sequence: number }).sequence >= from);
    }
  }
}

Deno.test({
  name:
    `the kept two can always be restored and the log reaches from the older one, whichever of several compactors write, fail, hang and die, for ${SEEDS} seeds`,
  permissions: { env: ["USERGRADE_TEST_SEED"] },
  fn: async () => {
    const replay = Deno.env.get("USERGRADE_TEST_SEED");
    const first = Number(replay ?? newSeed());
    const count = replay === undefined ? SEEDS : 1;
    const replayWith = (seed: number) =>
      `USERGRADE_TEST_SEED=${seed} deno test -A tests/replica/compactor_test.ts`;
    const seen = await runSeeds(replayWith, first, count, async (seed) => {
      const storm = new Storm(new Random(seed));
      await storm.run();
      return countNames(storm.world.done.map((line) => line.split(" ")[1]));
    });
    if (replay !== undefined) return;
    for (const what of ["writes", "trims", "deletes"]) {
      assert.ok(seen.get(what)! > 3 * SEEDS, `${what}: ${seen.get(what)}`);
    }
  },
});
