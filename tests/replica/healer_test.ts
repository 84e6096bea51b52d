import assert from "node:assert/strict";
import { HealingForbiddenError } from "../../src/log/healable_log.ts";
import {
  BACK_OFF_MAX_MS,
  FORBIDDEN_WAIT_MS,
} from "../../src/replica/healing_troubles.ts";
import { newSeed, Random } from "../support/random.ts";
import { SimulatedTime } from "../support/simulated_time.ts";
import { HEAL_AFTER_MS } from "./healing_facts.ts";
import { WorldReplica } from "./healing_replica.ts";
import { HealingWorld } from "./healing_world.ts";

/** How long a healing may take after its time, all calls and takeovers included. */
const PATIENCE_MS = 40_000;

function test(
  name: string,
  fn: (bench: Bench) => Promise<void>,
  seed = 1,
): void {
  Deno.test({
    name,
    permissions: "none",
    fn: () => fn(new Bench(seed)),
  });
}

/** A world with some replicas. */
class Bench {
  readonly time = new SimulatedTime();
  readonly random: Random;
  readonly world: HealingWorld;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.world = new HealingWorld(this.time, this.random);
  }

  replica(name: string, healAfter_ms?: number): WorldReplica {
    return new WorldReplica(name, this.world, healAfter_ms);
  }

  pass(ms: number): Promise<void> {
    return this.time.runUntil(this.time.now + ms);
  }

  /** Replicas that have applied so many entries, and a log that lost all after 5. */
  lost(applied: Record<string, number>): WorldReplica[] {
    const replicas: WorldReplica[] = [];
    const { world } = this;
    for (const [name, count] of Object.entries(applied)) {
      const replica = this.replica(name);
      replicas.push(replica);
      world.append(Math.max(0, count - world.stream!.last));
    }
    const full = world.copy();
    for (const replica of replicas) {
      world.stream = structuredClone(full);
      world.lose(applied[replica.name]);
      replica.follow();
    }
    world.lose(5);
    return replicas;
  }

  /** Everyone alive has the same, and takes sets. */
  whole(sequence: number, replicas = this.world.replicas): void {
    const alive = replicas.filter(({ isDead, isForked }) =>
      !isDead && !isForked
    );
    for (const one of alive) {
      assert.ok(one.isWritable, `${one.name}: ${one.condition?.reason}`);
      assert.equal(one.appliedSequence, sequence, one.name);
      assert.equal(one.digest, alive[0].digest);
      assert.deepEqual(one.heals, alive[0].heals);
    }
    assert.equal(this.world.stream!.last, sequence);
  }
}

test("a log that lost its tail is made whole from the fullest replica, once", async (bench) => {
  const [c, a, b] = bench.lost({ c: 10, a: 8, b: 10 });
  const { digest } = b;
  await bench.pass(HEAL_AFTER_MS - 500);
  assert.deepEqual(bench.world.done, ["b writes 10", "b reads 10"]);
  assert.equal(b.condition?.type, "healing");
  assert.match(b.condition.reason, /the log ends at 5; .*HEAL_AFTER_MS/);
  assert.deepEqual([a, b, c].map(({ healer }) => healer.lost).toSorted(), [
    3,
    5,
    5,
  ]);
  await bench.pass(5_000);
  assert.deepEqual(bench.world.done.slice(2), [
    "b fences 10",
    "b moves to 10",
    "b marks 10",
  ]);
  bench.whole(11);
  assert.equal(b.digest, digest);
  assert.deepEqual(b.heals.last, { sequence: 10, digest });
  assert.deepEqual([b.healer.done, c.healer.done], [1, 0]);
  assert.deepEqual([a, b, c].map(({ healer }) => healer.seen), [1, 1, 1]);
  assert.deepEqual([a, b, c].map(({ healer }) => healer.lost), [0, 0, 0]);
});

test("a log that is gone is made again", async (bench) => {
  bench.lost({ a: 10, b: 10 });
  bench.world.stream = undefined;
  await bench.pass(HEAL_AFTER_MS + 5_000);
  assert.deepEqual(bench.world.done, [
    "a writes 10",
    "a reads 10",
    "a remakes",
    "a fences 10",
    "a moves to 10",
    "a marks 10",
  ]);
  bench.whole(11);
});

for (
  const [step, isGone] of [
    ["write", false],
    ["verify", false],
    ["remake", true],
    ["fence", true],
    ["fence", false],
    ["move", false],
    ["mark", false],
  ] as const
) {
  for (const when of ["before", "after"] as const) {
    test(`a healer that dies ${when} its ${step} is followed by the next${isGone ? ", where the log is gone" : ""}`, async (bench) => {
      const { world } = bench;
      bench.lost({ a: 10, b: 10, c: 10 });
      if (isGone) world.stream = undefined;
      const dead: string[] = [];
      world.dies = (name, what) => {
        if (what !== step || dead.length === 2 || dead.includes(name)) {
          return undefined;
        }
        dead.push(name);
        return when;
      };
      await bench.pass(HEAL_AFTER_MS + PATIENCE_MS);
      assert.ok(dead.length > 0);
      bench.whole(11);
      const fences = world.done.filter((what) => what.includes("fences"));
      assert.equal(fences.length, 1, world.done.join());
    });
  }
}

test(
  "nothing is moved before the snapshot was read back whole: a damaged one is written anew",
  async (bench) => {
    bench.world.weather.damage = 60;
    bench.lost({ a: 10, b: 9 });
    await bench.pass(HEAL_AFTER_MS + PATIENCE_MS);
    bench.whole(11);
    const { done } = bench.world;
    assert.ok(done.indexOf("a reads 10") < done.indexOf("a fences 10"));
    assert.ok(done.filter((what) => what === "a writes 10").length > 1);
  },
  7,
);

test("a fuller replica that comes in time heals; one that comes after the fence is forked, and keeps what it has", async (bench) => {
  const [, b, c] = bench.lost({ a: 10, b: 12, c: 14 });
  b.isHeard = c.isHeard = false;
  c.isAway = true;
  await bench.pass(HEAL_AFTER_MS / 2);
  b.isHeard = true;
  await bench.pass(HEAL_AFTER_MS + 5_000);
  bench.whole(13, bench.world.replicas.filter((one) => one !== c));
  const { digest } = c;
  bench.world.append(5);
  c.isHeard = true;
  c.isAway = false;
  await bench.pass(HEAL_AFTER_MS + 5_000);
  assert.ok(c.isForked);
  assert.match(c.condition!.reason, /two histories|another entry/);
  assert.deepEqual([c.appliedSequence, c.digest], [14, digest]);
  assert.equal(c.healer.done, 0);
  bench.whole(18);
});

test("a fuller replica that comes between the fence and the mark is forked by the fence, or heals once more after the move", async (bench) => {
  for (const step of ["move", "mark"]) {
    const bench = new Bench(3);
    const { world } = bench;
    const [a, c] = bench.lost({ a: 10, c: 14 });
    c.isHeard = false;
    c.isAway = true;
    let held = true;
    world.dies = (_, what) => what === step && held ? "before" : undefined;
    await bench.pass(HEAL_AFTER_MS + 5_000);
    assert.ok(a.isDead);
    held = false;
    c.isHeard = true;
    c.isAway = false;
    bench.replica("d");
    await bench.pass(HEAL_AFTER_MS + PATIENCE_MS);
    assert.equal(c.isForked, step === "move");
    bench.whole(step === "move" ? 11 : 15);
  }
  await bench.pass(0);
});

test("a snapshot that is fuller than all replicas is restored, and the log healed from it", async (bench) => {
  const { world } = bench;
  const [a, , c] = bench.lost({ a: 8, b: 8, c: 12 });
  const { digest } = c;
  const { id } = world.keep("c", c);
  world.verify("c", id);
  c.die();
  await bench.pass(HEAL_AFTER_MS + 5_000);
  bench.whole(13);
  assert.equal(a.digest, digest);
});

test("a replica that is behind goes on from a stored state that nobody else has, and the log is healed from it", async (bench) => {
  const { world } = bench;
  const [a, b, c] = bench.lost({ a: 5, b: 5, c: 12 });
  const { digest } = c;
  world.keep("c", c);
  c.die();
  const recover = async (time: string, one = a) => {
    const recovered = one.healer.recover({ sequence: 5, time });
    await bench.pass(2_000);
    return await recovered;
  };
  const { time } = world.stream!.messages.get(5)!;
  // Others have written past it.
  assert.equal(await recover("000000013"), false);
  const unable = bench.replica("d", 0);
  unable.follow();
  assert.equal(await recover(time, unable), false);
  unable.die();
  world.weather.fail = 100;
  assert.equal(await recover(time), false);
  world.weather.fail = 0;
  assert.equal(a.appliedSequence, 5);
  assert.equal(await recover(time), true);
  assert.equal(a.appliedSequence, 12);
  assert.equal(await recover(time), false);
  await bench.pass(HEAL_AFTER_MS + 5_000);
  bench.whole(13);
  assert.equal(b.digest, digest);
});

test("a log that was another one, and is lost by now, is healed", async (bench) => {
  const [a] = bench.lost({ a: 10 });
  const { loss } = a;
  a.loss = () => ({
    type: "other_log",
    reason: "it is another log",
    firstSequence: 1,
    lastSequence: 3,
  });
  await bench.pass(HEAL_AFTER_MS);
  assert.equal(a.condition?.type, "unhealed");
  a.loss = loss;
  await bench.pass(HEAL_AFTER_MS + 5_000);
  bench.whole(11);
});

test("losses in a row, and a copy of the log from the middle of a healing, end whole", async (bench) => {
  const { world } = bench;
  bench.lost({ a: 10, b: 10 });
  const copies: NonNullable<typeof world.stream>[] = [];
  world.dies = (_, what) => {
    if (what === "move" || what === "mark") copies.push(world.copy());
    return undefined;
  };
  await bench.pass(HEAL_AFTER_MS + 5_000);
  bench.whole(11);
  world.append(4);
  await bench.pass(1_000);
  let sequence = 15;
  for (const copy of copies.slice(0, 2)) {
    world.stream = structuredClone(copy);
    await bench.pass(HEAL_AFTER_MS + 5_000);
    bench.whole(++sequence);
    assert.equal(world.replicas[0].heals.last?.sequence, sequence - 1);
  }
  assert.equal(world.replicas[0].heals.count, 3);
});

test("what is not allowed is said, and tried again after a while", async (bench) => {
  const { world } = bench;
  const [a] = bench.lost({ a: 10 });
  const move = world.moveTo;
  world.moveTo = () => {
    throw new HealingForbiddenError("the NATS user may not purge");
  };
  await bench.pass(HEAL_AFTER_MS + 2_000);
  assert.deepEqual(a.condition, {
    type: "unhealed",
    reason: "the NATS user may not purge",
  });
  assert.equal(a.isHealer, false);
  const { length } = world.done;
  await bench.pass(FORBIDDEN_WAIT_MS / 2);
  assert.equal(world.done.length, length);
  world.moveTo = move;
  await bench.pass(FORBIDDEN_WAIT_MS);
  bench.whole(11);
  assert.equal(a.isHealer, true);
});

test("with HEAL_AFTER_MS=0 a replica says so, and touches nothing", async (bench) => {
  const { world } = bench;
  const a = bench.replica("a", 0);
  world.append(10);
  await bench.pass(1_000);
  let calls = 0;
  world.dies = () => {
    calls++;
    return undefined;
  };
  world.lose(5);
  await bench.pass(PATIENCE_MS);
  assert.deepEqual(a.condition, {
    type: "unhealed",
    reason: "HEAL_AFTER_MS is 0",
  });
  assert.deepEqual([calls, a.isHealer], [0, false]);
  a.healer.order();
  await bench.pass(5_000);
  bench.whole(11);
});

test("a healer whose snapshot is not listed takes it back, and writes another one only after a wait, which becomes longer", async (bench) => {
  const { world } = bench;
  const [a] = bench.lost({ a: 10 });
  const list = world.list;
  world.list = () => [];
  await bench.pass(PATIENCE_MS);
  const writes = world.done.filter((what) => what === "a writes 10").length;
  assert.ok(writes > 1 && writes < 16, `${writes} were written`);
  assert.equal(world.kept.size, 0);
  assert.deepEqual(world.done.filter((what) => what !== "a writes 10"), []);
  assert.equal(a.condition?.type, "healing");
  world.list = list;
  await bench.pass(BACK_OFF_MAX_MS + HEAL_AFTER_MS);
  bench.whole(11);
});

test("a healer whose fence is refused, since the log has moved, looks again at once", async (bench) => {
  const { world, time } = bench;
  const [a] = bench.lost({ a: 10 });
  let moved_ms = 0;
  let looked_ms = 0;
  world.dies = (_, what) => {
    if (what === "fence" && moved_ms === 0) {
      moved_ms = time.now;
      world.append(1);
    } else if (what === "look" && moved_ms > 0) looked_ms ||= time.now;
    return undefined;
  };
  await bench.pass(HEAL_AFTER_MS + 5_000);
  assert.ok(looked_ms > moved_ms && looked_ms - moved_ms < 500);
  assert.deepEqual(a.heals.last?.sequence, 10);
});

test("a healer that was stopped begins nothing, and ends what is under way", async (bench) => {
  const [a] = bench.lost({ a: 10 });
  bench.world.weather.delay_ms = 400;
  await bench.pass(HEAL_AFTER_MS);
  const stopped = a.healer.stop();
  await bench.pass(0);
  await stopped;
  await bench.pass(PATIENCE_MS);
  assert.ok(!bench.world.done.includes("a fences 10"));
});

/** More of them are in the simulation, with the product around the healer. */
const SEEDS = 300;

Deno.test({
  name:
    `replicas with losses, deaths, failures and late comers end whole, for ${SEEDS} seeds`,
  permissions: "none",
  fn: async () => {
    const base = newSeed();
    for (let i = 0; i < SEEDS; i++) {
      const seed = (base + i) >>> 0;
      try {
        await storm(new Bench(seed));
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  },
});

test("a stored state that nobody else has is gone on from, however often reading it fails", async (bench) => {
  const { world } = bench;
  const [fullest, other] = bench.lost({ a: 10, b: 8 });
  await bench.pass(HEAL_AFTER_MS / 2);
  assert.deepEqual(world.done, ["a writes 10", "a reads 10"]);
  fullest.die();
  let failures = 0;
  world.fails = (what) => what === "restore" && ++failures <= 5;
  await bench.pass(5 * BACK_OFF_MAX_MS + PATIENCE_MS);
  assert.ok(failures > 5, `${failures}`);
  bench.whole(11, [other]);
});

/** Loses entries, up to three times, with all that may happen meanwhile. */
async function storm(bench: Bench): Promise<void> {
  const { world, random } = bench;
  const names = ["a", "b", "c", "d"].slice(0, 2 + random.below(3));
  const counts = names.map((name) => [name, 6 + random.below(8)] as const);
  const replicas = bench.lost(Object.fromEntries(counts));
  world.weather = {
    fail: random.below(2) * random.below(25),
    damage: random.below(2) * random.below(40),
    delay_ms: 1 + random.below(300),
  };
  let deaths = random.below(names.length);
  world.dies = () => {
    if (deaths === 0 || random.below(40) > 0) return undefined;
    deaths--;
    return random.pick(["before", "after"] as const);
  };
  for (let losses = random.below(3); losses > 0; losses--) {
    await bench.pass(random.below(2 * HEAL_AFTER_MS));
    if (random.below(3) === 0) world.stream = undefined;
    else if (world.stream !== undefined) {
      const { first, last } = world.stream;
      world.lose(last - random.below(last - first + 2));
    }
  }
  deaths = 0;
  world.weather = { ...world.weather, fail: 0, damage: 0 };
  await bench.pass(3 * (HEAL_AFTER_MS + PATIENCE_MS));
  const alive = replicas.filter(({ isDead }) => !isDead);
  // Nobody has written past a loss: there is one history.
  for (const one of alive) assert.ok(!one.isForked, one.condition?.reason);
  const fullest = Math.max(...alive.map(({ most }) => most));
  const [{ messages }] = alive;
  const sets = messages.filter(({ heal }) => heal === undefined).length;
  bench.whole(messages.length);
  assert.ok(sets >= fullest, `${sets} sets of ${fullest}`);
}
