import assert from "node:assert/strict";
import type { LogEnds } from "../../src/cluster/objection.ts";
import { Readmission } from "../../src/cluster/readmission.ts";
import type {
  HealingCondition,
  OtherReplica,
} from "../../src/replica/healing_facts.ts";
import { otherReplica } from "./heartbeats.ts";

const permissions = "none";

/** One replica whose others and log are as a test says. */
function readmitting() {
  const world = {
    others: [] as OtherReplica[],
    awaited: [] as string[],
    isOff: false,
    isConnected: true,
    lastSequence: 10,
    ends: { firstSequence: 1, lastSequence: 10 } as LogEnds,
    /** The looks that have no answer yet. */
    looks: [] as PromiseWithResolvers<LogEnds>[],
    isSlow: false,
    givenUp: "",
    admitted: [] as number[],
    asked: 0,
    /** Whether a stored state is fuller than the log, and how often that was asked. */
    isStored: false,
    storeAsked: 0,
    /** Ends when the store has answered. */
    storeAnswers: Promise.resolve(),
    changes: 0,
    condition: undefined as HealingCondition | undefined,
  };
  const readmission = new Readmission({
    cluster: {
      get isOff() {
        return world.isOff;
      },
      others: () => world.others,
      awaited: () => world.awaited,
      hasHeardAll: () => world.awaited.length === 0,
      hearAll: () => void world.asked++,
    },
    replica: {
      get connected() {
        return world.isConnected;
      },
      log: { id: otherReplica("a").logId! },
      get lastSequence() {
        return world.lastSequence;
      },
      healedTo: null,
    },
    locate: () => {
      const look = Promise.withResolvers<LogEnds>();
      world.looks.push(look);
      if (!world.isSlow) look.resolve(world.ends);
      return look.promise;
    },
    recover: () => {
      world.storeAsked++;
      return world.storeAnswers.then(() => world.isStored);
    },
    admit: (hearing) => world.admitted.push(hearing),
    isGivenUp: ({ id }) => id === world.givenUp,
    changed: (condition) => {
      world.changes++;
      world.condition = condition;
    },
  });
  let now_ms = 0;
  const run = async (ms: number) => {
    for (const end_ms = now_ms + ms; now_ms < end_ms;) {
      now_ms += 100;
      readmission.tick(now_ms);
      for (let turns = 0; turns < 4; turns++) await Promise.resolve();
    }
  };
  return {
    world,
    readmission,
    run,
    hear: (hearing: number) => readmission.hear(hearing, now_ms),
  };
}

Deno.test("a session is let go on once all are heard and none objects", {
  permissions,
}, async () => {
  const { world, run, hear } = readmitting();
  world.awaited = ["b", "c"];
  await run(1_000);
  hear(7);
  assert.equal(world.asked, 1);
  await run(900);
  assert.equal(world.changes, 0);
  await run(100);
  assert.equal(world.condition?.type, "waiting");
  await run(5_000);
  assert.deepEqual(world.admitted, []);
  assert.match(world.condition!.reason, /awaited: b, c$/);
  world.awaited = [];
  world.others = [otherReplica("b"), otherReplica("c")];
  await run(300);
  assert.deepEqual(world.admitted, [7]);
  assert.equal(world.condition, undefined);
  // Nothing is asked of the log any more.
  const looks = world.looks.length;
  await run(5_000);
  assert.equal(world.looks.length, looks);
});

Deno.test(
  "a session waits while another has applied more than the log has, and goes on when the log has it again",
  {
    permissions,
  },
  async () => {
    const { world, run, hear } = readmitting();
    world.others = [otherReplica("b", { appliedSequence: 12 })];
    hear(1);
    await run(60_000);
    assert.deepEqual(world.admitted, []);
    assert.equal(world.condition?.type, "waiting");
    assert.match(
      world.condition!.reason,
      /^replica b has applied entry 12 .* ends at entry 10/,
    );
    assert.equal(world.changes, 1);
    world.ends = { firstSequence: 1, lastSequence: 12 };
    await run(300);
    assert.deepEqual(world.admitted, [1]);
    assert.equal(world.condition, undefined);
  },
);

Deno.test(
  "what another says counts against a look that was asked for afterwards alone",
  {
    permissions,
  },
  async () => {
    const { world, run, hear } = readmitting();
    world.isSlow = true;
    world.others = [otherReplica("b")];
    hear(1);
    await run(100);
    // It goes on meanwhile, as the log does.
    world.others = [otherReplica("b", { appliedSequence: 20 })];
    world.looks[0].resolve(world.ends);
    await run(200);
    world.others = [otherReplica("b", { appliedSequence: 30 })];
    world.looks[1].resolve({ firstSequence: 1, lastSequence: 20 });
    await run(100);
    assert.deepEqual(world.admitted, [1]);
    assert.equal(world.condition, undefined);
  },
);

Deno.test(
  "only the last hearing counts, and none after the connection is lost",
  {
    permissions,
  },
  async () => {
    const { world, readmission, run, hear } = readmitting();
    world.isSlow = true;
    hear(1);
    await run(100);
    readmission.left();
    world.looks[0].resolve(world.ends);
    await run(1_000);
    assert.deepEqual(world.admitted, []);
    assert.equal(world.looks.length, 1);
    hear(2);
    await run(100);
    hear(3);
    world.looks[1].resolve(world.ends);
    await run(300);
    assert.deepEqual(world.admitted, []);
    world.looks[2].resolve(world.ends);
    await run(200);
    world.looks[3].resolve(world.ends);
    await run(100);
    assert.deepEqual(world.admitted, [3]);
  },
);

Deno.test(
  "the log is looked at as soon as a session asks, a few times a second, and one look at a time",
  { permissions },
  async () => {
    const { world, run, hear } = readmitting();
    // The second one that is heard objects.
    world.others = [
      otherReplica("b"),
      otherReplica("c", { appliedSequence: 12 }),
    ];
    hear(1);
    assert.equal(world.looks.length, 1);
    await run(1_000);
    assert.equal(world.looks.length, 6);
    assert.match(world.condition!.reason, /^replica c/);
    hear(2);
    assert.equal(world.looks.length, 7);
    world.isSlow = true;
    await run(2_000);
    assert.equal(world.looks.length, 8);
  },
);

Deno.test(
  "the store is asked anew by each session, after each objection, and the log is not looked at meanwhile",
  { permissions },
  async () => {
    const { world, readmission, run, hear } = readmitting();
    const answer = Promise.withResolvers<void>();
    world.storeAnswers = answer.promise;
    hear(1);
    await run(2_000);
    assert.deepEqual([world.storeAsked, world.looks.length], [1, 1]);
    // It knows of nothing, and now another replica objects.
    world.others = [otherReplica("b", { appliedSequence: 12 })];
    answer.resolve();
    await run(1_000);
    assert.equal(world.condition?.type, "waiting");
    // That one stores what it has, and stops.
    world.others = [];
    world.isSlow = true;
    await run(300);
    world.looks.at(-1)!.resolve(world.ends);
    await run(100);
    assert.equal(world.storeAsked, 2);
    // The connection is lost before the last look has its answer.
    readmission.left();
    world.isSlow = false;
    hear(2);
    world.looks.at(-1)!.resolve(world.ends);
    await run(1_000);
    assert.deepEqual([world.storeAsked, world.admitted], [3, [2]]);
  },
);

Deno.test("where nobody can be heard, a session goes on at once", {
  permissions,
}, async () => {
  const { world, run, hear } = readmitting();
  world.awaited = ["b"];
  hear(1);
  await run(500);
  world.isOff = true;
  await run(100);
  assert.deepEqual(world.admitted, [1]);
  assert.equal(world.looks.length, 0);
});

Deno.test(
  "an admitted replica stops at once when another knows of a loss and is right, and goes on when that is over",
  {
    permissions,
  },
  async () => {
    for (const state of ["healing", "ahead_of_log"]) {
      const { world, run } = readmitting();
      world.others = [otherReplica("b", { state, appliedSequence: 11 })];
      await run(100);
      assert.equal(world.condition?.type, "waiting");
      await run(10_000);
      assert.equal(world.condition?.type, "waiting");
      assert.equal(world.changes, 1);
      const looks = world.looks.length;
      // The other is gone, or the log has it again.
      if (state === "healing") world.others = [];
      else world.ends = { firstSequence: 1, lastSequence: 11 };
      await run(100);
      assert.equal(world.condition?.type, "waiting");
      await run(600);
      assert.equal(world.condition, undefined);
      // Two of them in a row, and one after the store was asked.
      if (state === "healing") assert.equal(world.looks.length - looks, 3);
      assert.deepEqual([world.changes, world.admitted], [2, []]);
    }
  },
);

Deno.test(
  "an admitted replica does not stop for a word that is newer than what it knows of the log, nor for one of no loss",
  {
    permissions,
  },
  async () => {
    const { world, run } = readmitting();
    world.ends = { firstSequence: 1, lastSequence: 15 };
    world.others = [
      otherReplica("b", { state: "ahead_of_log", appliedSequence: 15 }),
    ];
    await run(1_000);
    assert.ok(world.looks.length > 0);
    assert.equal(world.changes, 0);
    const looks = world.looks.length;
    world.others = [
      // A log that others write to is read later here.
      otherReplica("b", { state: "ready", appliedSequence: 99 }),
      otherReplica("c", { state: "healing", appliedSequence: 10 }),
      otherReplica("d", { state: "forked", appliedSequence: 99 }),
    ];
    await run(1_000);
    assert.equal(world.looks.length, looks);
    assert.equal(world.condition, undefined);
  },
);

Deno.test(
  "servers that disagree from look to look do not make a replica flap",
  {
    permissions,
  },
  async () => {
    const { world, run } = readmitting();
    world.others = [
      otherReplica("b", { state: "ahead_of_log", appliedSequence: 12 }),
    ];
    for (let i = 0; i < 20; i++) {
      await run(200);
      const lastSequence = i % 2 === 0 ? 12 : 10;
      world.ends = { firstSequence: 1, lastSequence };
    }
    assert.equal(world.condition?.type, "waiting");
    assert.equal(world.changes, 1);
  },
);

Deno.test("what an operator has given up holds nobody", {
  permissions,
}, async () => {
  const { world, run, hear } = readmitting();
  world.others = [
    otherReplica("b", { state: "ahead_of_log", appliedSequence: 12 }),
  ];
  world.givenUp = "b";
  hear(1);
  await run(1_000);
  assert.deepEqual(world.admitted, [1]);
  assert.equal(world.condition, undefined);
});

Deno.test(
  "a replica that is not connected, or whose log is closed, is left alone",
  {
    permissions,
  },
  async () => {
    const { world, run } = readmitting();
    world.others = [
      otherReplica("b", { state: "healing", appliedSequence: 12 }),
    ];
    world.isConnected = false;
    await run(1_000);
    assert.equal(world.looks.length, 0);
    world.isConnected = true;
    world.isSlow = true;
    await run(100);
    world.looks[0].reject(new Error("the log was closed"));
    await run(1_000);
    assert.equal(world.condition, undefined);
  },
);

Deno.test(
  "a session waits while a stored state is fuller than the log, and those who speak meanwhile are heard",
  { permissions },
  async () => {
    const { world, run, hear } = readmitting();
    world.isStored = true;
    hear(1);
    await run(2_000);
    assert.deepEqual(world.admitted, []);
    assert.ok(world.storeAsked > 2);
    world.others = [otherReplica("b", { appliedSequence: 12 })];
    world.isStored = false;
    await run(2_000);
    assert.deepEqual(world.admitted, []);
    const before = world.storeAsked;
    world.others = [];
    await run(1_000);
    assert.deepEqual(world.admitted, [1]);
    // What was fuller a moment ago may be stored by now.
    assert.equal(world.storeAsked, before + 1);
  },
);
