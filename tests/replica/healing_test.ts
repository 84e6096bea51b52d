import assert from "node:assert/strict";
import fc from "fast-check";
import { GONE_AFTER_MS as CLUSTER_GONE_AFTER_MS } from "../../src/cluster/members.ts";
import { healingFork, healingStep } from "../../src/replica/healing.ts";
import {
  GONE_AFTER_MS,
  type HealingFacts,
  type HealingSnapshot,
} from "../../src/replica/healing_facts.ts";
import { checkHealing, HealingError } from "../../src/replica/healing_check.ts";
import { FINISH_AFTER_MS } from "../../src/replica/healing_finish.ts";
import { TAKEOVER_MS, TURN_MS } from "../../src/replica/healing_rivals.ts";
import { Seams } from "../../src/replica/seams.ts";
import type { SeamsData } from "../../src/snapshot/snapshot.ts";
import { newSeed } from "../support/random.ts";
import { LOG_ID } from "../support/snapshots.ts";
import {
  digestAt,
  facts,
  FENCED,
  GONE,
  HEAL_AFTER_MS,
  healsAt,
  loss,
  other,
  own,
  say,
  stepOf,
  stored,
  timeAt,
  UNMARKED,
} from "./healing_facts.ts";

const permissions = "none";

function test(name: string, fn: () => void): void {
  Deno.test({ name, permissions, fn });
}

type Case = [changes: Partial<HealingFacts>, step: string];

function check(cases: readonly Case[]): void {
  for (const [changes, step] of cases) {
    assert.equal(stepOf(changes), step, JSON.stringify(changes));
  }
}

const unread = stored(100, { isVerified: false });
const damaged = stored(100, { isUnreadable: true });
const early = { now_ms: HEAL_AFTER_MS - 1 };

test("a lost tail: snapshot, read back, and after HEAL_AFTER_MS the fence", () => {
  check([
    [{ snapshots: [] }, "write 100"],
    [{ ...early, snapshots: [] }, "write 100"],
    [{ ...early, snapshots: [unread] }, "verify 100"],
    [early, "wait"],
    [{}, "fence 100 after 80"],
    [{ loss: loss({ lastSequence: 99 }) }, "fence 100 after 99"],
    // Others have written as much meanwhile.
    [{ loss: loss({ lastSequence: 100 }) }, "wait"],
    // One of the state of another replica that has diverged is not this one.
    [
      {
        snapshots: [stored(100, {
          info: { ...stored(100).info, digest: digestAt(100, 7) },
        })],
      },
      "write 100",
    ],
    [{ snapshots: [stored(99)] }, "write 100"],
    [{ snapshots: [damaged] }, "write 100"],
    [{ snapshots: [damaged, unread] }, "verify 100"],
    [{ snapshots: [unread, stored(100)] }, "fence 100 after 80"],
  ]);
});

test("a log that is gone is made again in its time, and the fence is its first entry", () => {
  check([
    [{ loss: GONE, snapshots: [] }, "write 100"],
    [{ loss: GONE, ...early }, "wait"],
    [{ loss: GONE }, "remake"],
    [{ loss: loss({ lastSequence: 0 }) }, "fence 100 after 0"],
    // Nothing was ever written to it.
    [{ loss: GONE, own: own({ appliedSequence: 0 }), snapshots: [] }, "remake"],
  ]);
});

test("an empty log is not made again beside a replica that has entries of another one", () => {
  const empty = { loss: GONE, snapshots: [], own: own({ appliedSequence: 0 }) };
  const others = [other("a", 2, { logId: "0123456789abcdef" })];
  check([
    [{ ...empty, others }, "wait"],
    [{ ...empty, others: [{ ...others[0], appliedSequence: 0 }] }, "remake"],
    [{ ...empty, others: [{ ...others[0], logId: null }] }, "remake"],
    [{ ...empty, others: [{ ...others[0], state: "ahead_of_log" }] }, "remake"],
    // Both have entries: the first is the log, and the other one says so.
    [{ loss: GONE, others }, "remake"],
  ]);
});

test("who is awaited holds the fence back, and the snapshot is written meanwhile", () => {
  const awaited = ["a"];
  check([
    [{ awaited }, "wait"],
    [{ awaited, loss: GONE }, "wait"],
    [{ awaited, snapshots: [stored(120)] }, "wait"],
    [{ awaited, snapshots: [] }, "write 100"],
    [{ awaited, snapshots: [unread] }, "verify 100"],
  ]);
});

test("the fullest replica heals; of those that are equal, the one with the smallest id", () => {
  check([
    [{ others: [other("a", 99)] }, "fence 100 after 80"],
    [{ others: [other("c", 101)] }, "wait"],
    [{ others: [other("c", 101)], snapshots: [] }, "wait"],
    [{ others: [other("c", 100)] }, "fence 100 after 80"],
    [{ others: [other("a", 100)] }, "wait"],
    [{ others: [other("a", 100)], loss: GONE }, "wait"],
    // It follows another log, or is none's any more.
    [{ others: [other("a", 101, { logId: "x" })] }, "fence 100 after 80"],
    [{ others: [other("a", 101, { logId: null })] }, "fence 100 after 80"],
    [{ others: [other("a", 101, { state: "forked" })] }, "fence 100 after 80"],
    [
      { others: [other("a", 101, { heardAgo_ms: GONE_AFTER_MS })] },
      "wait",
    ],
    [
      { others: [other("a", 101, { heardAgo_ms: GONE_AFTER_MS + 1 })] },
      "fence 100 after 80",
    ],
  ]);
});

test("a state with more heal points is fuller, whatever its sequence is", () => {
  const newer = own({ heals: healsAt(50) });
  check([
    [{ own: newer, others: [other("a", 150)] }, "fence 100 after 80"],
    [
      { own: newer, others: [other("a", 150, { heals: 1, healedTo: 50 })] },
      "wait",
    ],
    [
      { own: newer, others: [other("a", 101, { heals: 2, healedTo: 100 })] },
      "wait",
    ],
  ]);
});

test("a replica of a version that tells only its newest heal point is fuller by that one", () => {
  const healed = own({ heals: healsAt(50) });
  const old = (healedTo: number) => ({
    own: healed,
    others: [other("a", 90, { heals: undefined, healedTo })],
  });
  check([
    [old(50), "fence 100 after 80"],
    [old(60), "problem"],
  ]);
});

test("a silent replica is passed over once its state can be had elsewhere", () => {
  const silent = { heardAgo_ms: TAKEOVER_MS + 1 };
  const heard = { heardAgo_ms: TAKEOVER_MS };
  check([
    [{ others: [other("a", 100, heard)] }, "wait"],
    [{ others: [other("a", 100, silent)] }, "fence 100 after 80"],
    [{ others: [other("c", 120, silent)] }, "wait"],
    [
      { others: [other("c", 120, silent)], snapshots: [stored(120)] },
      "restore 120",
    ],
    [{ others: [other("c", 120, heard)], snapshots: [stored(120)] }, "wait"],
    // It wrote it and died before it read it back: so it is not had yet.
    [
      {
        others: [other("c", 120, silent)],
        snapshots: [stored(120, { isVerified: false })],
      },
      "wait",
    ],
    [
      {
        others: [other("c", 120, silent)],
        snapshots: [stored(120, { isUnreadable: true })],
      },
      "wait",
    ],
    [
      { others: [other("c", 120, silent)], snapshots: [stored(119)] },
      "wait",
    ],
  ]);
});

test("a replica with the same state that does not act is followed by the next one", () => {
  const at = (now_ms: number) => ({ others: [other("a", 100)], now_ms });
  check([
    [at(HEAL_AFTER_MS + TURN_MS - 1), "wait"],
    [at(HEAL_AFTER_MS + TURN_MS), "fence 100 after 80"],
    [
      {
        others: [other("a", 100), other("aa", 100)],
        now_ms: HEAL_AFTER_MS + TURN_MS,
      },
      "wait",
    ],
  ]);
});

test("a replica that can't heal is waited for while it has more, and passed over while it has not", () => {
  check([
    [{ others: [other("a", 101, { heals: undefined })] }, "problem"],
    [{ others: [other("a", 100, { heals: undefined })] }, "fence 100 after 80"],
  ]);
  const step = healingStep(facts({
    others: [other("a", 101, { heals: undefined, version: "1.2.0" })],
  }));
  assert.match(
    step.type === "none" ? step.reason : "",
    /^replica a has applied entry 101 .*version 1\.2\.0.*upgrade it/,
  );
});

test("two states that differ at the same sequence: nobody heals, and both are named", () => {
  const differs = other("c", 100, { digest: digestAt(100, 7) });
  check([
    [{ others: [differs] }, "problem"],
    [{ others: [{ ...differs, heals: undefined }] }, "problem"],
    [{ others: [differs], loss: UNMARKED }, "problem"],
    [{ others: [differs], loss: GONE, snapshots: [] }, "problem"],
    // One that is fuller decides it.
    [{ others: [differs, other("d", 101)] }, "wait"],
  ]);
  const step = healingStep(facts({ others: [differs] }));
  assert.match(step.type === "none" ? step.reason : "", /^replicas b and c/);
});

test("two histories, told by their seams: nobody heals, whoever is fuller", () => {
  const seams = (second: string): SeamsData => ({
    since: 0,
    count: 2,
    points: [[1, "2026-11-24T00:00:00Z"], [81, second]],
  });
  const mine = seams("2026-11-24T00:00:01Z");
  const another = seams("2026-11-24T00:00:02Z");
  const state = own({ seams: Seams.from(mine, 100) });
  for (const at of [90, 100, 120]) {
    const step = at > 100 ? "wait" : "fence 100 after 80";
    check([
      [{ own: state, others: [other("c", at, { seams: another })] }, "problem"],
      [{ own: state, others: [other("c", at, { seams: mine })] }, step],
    ]);
  }
});

test("a replica that is ready with a longer log disputes the loss", () => {
  const ready = { state: "ready", lastSequence: 100 };
  check([
    [{ others: [other("a", 70, ready)] }, "wait"],
    [{ others: [other("a", 70, ready)], snapshots: [] }, "wait"],
    [{ others: [other("a", 70, ready)], loss: GONE }, "wait"],
    [
      { others: [other("a", 70, { ...ready, lastSequence: 99 })] },
      "fence 100 after 80",
    ],
    [
      { others: [other("a", 70, { ...ready, state: "away" })] },
      "fence 100 after 80",
    ],
  ]);
});

test("a stored snapshot that is fuller than all replicas is read back, and restored in its time", () => {
  const snapshots = [stored(120), stored(100)];
  check([
    [{ snapshots }, "restore 120"],
    [{ snapshots, loss: GONE }, "restore 120"],
    [{ snapshots, ...early }, "wait"],
    [{ snapshots: [stored(120, { isVerified: false })] }, "verify 120"],
    [
      { snapshots: [stored(120, { isUnreadable: true }), stored(100)] },
      "fence 100 after 80",
    ],
    [{ snapshots, others: [other("c", 130)] }, "wait"],
    [{ snapshots, others: [other("c", 120)] }, "wait"],
    // A replica that has applied nothing has nothing to write.
    [
      {
        snapshots: [stored(120, { isVerified: false })],
        loss: GONE,
        own: own({ appliedSequence: 0 }),
      },
      "verify 120",
    ],
    // It was written past the end of another history, before this one was.
    [
      {
        own: own({ time: timeAt(121) }),
        snapshots: [stored(120), stored(100)],
      },
      "fence 100 after 80",
    ],
    [
      {
        own: own({ time: timeAt(120) }),
        snapshots: [stored(120), stored(100)],
      },
      "restore 120",
    ],
    // It is of a history that the log has left.
    [
      {
        own: own({ heals: healsAt(50) }),
        snapshots: [stored(120), stored(100)],
      },
      "fence 100 after 80",
    ],
    [
      {
        own: own({ heals: healsAt(50) }),
        snapshots: [stored(120, {}, healsAt(50)), stored(100)],
      },
      "restore 120",
    ],
  ]);
});

test("a stored snapshot of another history is not gone on from, and nobody heals where its entries are later ones", () => {
  const through = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => first + i);
  const healed = own({ heals: healsAt(50) });
  const often = own({ heals: healsAt(...through(1, 40)) });
  const seams = (second: number): SeamsData => ({
    since: 0,
    count: 2,
    points: [[1, timeAt(1)!], [90, timeAt(second)!]],
  });
  const seamed = own({ seams: Seams.from(seams(90), 100) });
  const withSeams = (data: SeamsData, at = 120) => {
    const { info } = stored(120);
    return stored(120, { info: { ...info, time: timeAt(at), seams: data } });
  };
  const goOn = "restore";
  const heal = "fence 100 after 80";
  const cases: [own: typeof healed, HealingSnapshot, step: string][] = [
    [healed, stored(120, {}, healsAt(50, 110)), goOn],
    // It was healed as often, and not where this one was.
    [healed, stored(120, {}, healsAt(110)), "problem"],
    [healed, stored(120, { isVerified: false }, healsAt(110)), "verify 120"],
    [healed, stored(120, { isUnreadable: true }, healsAt(110)), heal],
    [
      own({ heals: healsAt(50), time: timeAt(121) }),
      stored(120, {}, healsAt(110)),
      heal,
    ],
    // It forks this replica, if it can be read.
    [healed, stored(120, {}, healsAt(60)), "problem"],
    [healed, stored(120, { isVerified: false }, healsAt(60)), "verify 120"],
    [healed, stored(90, { isVerified: false }, healsAt(60)), "verify 90"],
    [
      healed,
      stored(120, { isVerified: false, isUnreadable: true }, healsAt(60)),
      heal,
    ],
    // Its history was left when the log was healed once more.
    [
      own({ heals: healsAt(50, 70) }),
      stored(120, { isVerified: false }, healsAt(60)),
      heal,
    ],
    // Of both, the oldest heal points are forgotten: their number tells.
    [
      often,
      stored(140, {}, healsAt(...through(1, 40), ...through(101, 33))),
      goOn,
    ],
    [often, stored(140, {}, healsAt(...through(101, 33))), heal],
    [seamed, withSeams(seams(90)), goOn],
    [seamed, withSeams(seams(91)), "problem"],
    // It may be damaged: then it holds back nobody.
    [seamed, { ...withSeams(seams(91)), isVerified: false }, "verify 120"],
    [seamed, { ...withSeams(seams(91)), isUnreadable: true }, heal],
    // Others wrote past its end later.
    [seamed, withSeams(seams(91), 99), heal],
  ];
  for (const [own, snapshot, wanted] of cases) {
    const step = wanted === goOn ? `${goOn} ${snapshot.info.sequence}` : wanted;
    check([[{ own, snapshots: [snapshot, stored(100)] }, step]]);
  }
});

test("a fence is finished once a snapshot of its state is read back", () => {
  const at100 = { loss: FENCED };
  check([
    [at100, "move 100"],
    [{ ...at100, snapshots: [] }, "write 100"],
    [{ ...at100, snapshots: [unread] }, "verify 100"],
    [{ ...at100, snapshots: [damaged] }, "write 100"],
    // HEAL_AFTER_MS and those who are awaited no longer matter.
    [{ ...at100, awaited: ["a"], now_ms: 0, fenceSince_ms: 0 }, "move 100"],
  ]);
});

test("a fence is finished by a replica that is behind it, too, from its snapshot", () => {
  const behind = { loss: FENCED, own: own({ appliedSequence: 70 }) };
  check([
    [behind, "move 100"],
    [{ ...behind, snapshots: [unread] }, "verify 100"],
    [{ ...behind, snapshots: [] }, "problem"],
    [{ ...behind, snapshots: [stored(99)] }, "problem"],
  ]);
});

test("a fence is finished by those at its state first, each having its time", () => {
  const at = (ms: number) => HEAL_AFTER_MS + ms;
  const wait = FINISH_AFTER_MS;
  const behind = own({ appliedSequence: 70 });
  const cases: [
    others: HealingFacts["others"],
    own: typeof behind,
    n: number,
  ][] = [
    [[other("a", 100)], own(), 1],
    [[other("c", 100)], own(), 0],
    [[other("a", 70)], own(), 0],
    [[other("a", 100), other("aa", 100)], own(), 2],
    [[other("a", 100, { heals: undefined })], own(), 0],
    [[other("a", 100, { heardAgo_ms: TAKEOVER_MS + 1 })], own(), 0],
    [[other("c", 100)], behind, 1],
    [[other("a", 70), other("c", 100)], behind, 2],
    [[other("c", 60)], behind, 0],
  ];
  for (const [others, own, before] of cases) {
    for (const marked of [false, true]) {
      if (marked && own === behind) continue;
      const now = (ms: number) =>
        stepOf({
          others,
          own,
          loss: marked ? UNMARKED : FENCED,
          now_ms: at(ms),
        });
      const step = marked ? "mark 100" : "move 100";
      assert.equal(now(before * wait), step);
      if (before > 0) assert.equal(now(before * wait - 1), "wait");
    }
  }
});

test("a replica with other records at a fence's sequence does not finish it", () => {
  const differs = other("a", 100, { digest: digestAt(100, 7) });
  check([[{ loss: FENCED, others: [differs] }, "move 100"]]);
});

test("a fence is never superseded: a fuller replica is forked by it", () => {
  const fuller = facts({ loss: FENCED, own: own({ appliedSequence: 101 }) });
  assert.equal(say(healingStep(fuller)), "problem");
  assert.match(
    healingFork(fuller)!,
    /^two histories: .*101.*healed to entry 100/,
  );
  // So is one at its sequence with other records.
  const differs = facts({
    loss: FENCED,
    own: own({ digest: digestAt(100, 7) }),
  });
  assert.equal(say(healingStep(differs)), "problem");
  assert.match(healingFork(differs)!, /^two histories/);
  // One that knows of it is beyond it.
  const past = facts({
    loss: FENCED,
    own: own({ appliedSequence: 150, heals: healsAt(100) }),
  });
  assert.equal(healingFork(past), undefined);
  assert.equal(say(healingStep(past)), "wait");
  assert.equal(healingFork(facts({ loss: FENCED })), undefined);
});

test("the mark is written once the log is empty after the heal point, by a replica at it", () => {
  const of = (changes: Partial<HealingFacts>) => ({
    loss: UNMARKED,
    ...changes,
  });
  check([
    [of({}), "mark 100"],
    [of({ snapshots: [] }), "mark 100"],
    [of({ own: own({ appliedSequence: 99 }) }), "wait"],
    [of({ loss: { ...UNMARKED, firstSequence: 1 } }), "wait"],
    [of({ loss: { ...UNMARKED, lastSequence: 101 } }), "wait"],
    // A fuller one that came after the fence heals it once more.
    [of({ others: [other("c", 101)] }), "wait"],
    [of({ others: [other("c", 101, { heals: undefined })] }), "problem"],
    // It has applied a mark that the log has lost.
    [of({ others: [other("c", 101, { heals: 1, healedTo: 100 })] }), "wait"],
    [of({ others: [other("c", 99, { heals: 1, healedTo: 90 })] }), "problem"],
    [of({ awaited: ["a"] }), "wait"],
  ]);
});

test("no mark follows a state if a fuller one is stored: that one is restored in its time", () => {
  const snapshots = [stored(120), stored(100)];
  check([
    [{ loss: UNMARKED, snapshots }, "restore 120"],
    [{ loss: UNMARKED, snapshots, ...early }, "wait"],
    [{ loss: UNMARKED, snapshots, awaited: ["c"] }, "wait"],
    [
      { loss: UNMARKED, snapshots: [stored(120, { isVerified: false })] },
      "verify 120",
    ],
    [
      { loss: UNMARKED, snapshots: [stored(120, { isUnreadable: true })] },
      "mark 100",
    ],
    [
      { loss: UNMARKED, snapshots, own: own({ time: timeAt(121) }) },
      "mark 100",
    ],
  ]);
});

test("a log that was moved to a later state that this replica has not gone through forks it, before its mark is written", () => {
  const moved = loss({ firstSequence: 91, lastSequence: 90 });
  const later = stored(90);
  const snapshots = [{
    ...later,
    info: { ...later.info, time: timeAt(101) },
  }];
  const isForked = (changes: Partial<HealingFacts>) =>
    healingFork(facts({ loss: moved, snapshots, ...changes })) !== undefined;
  assert.ok(isForked({}));
  assert.ok(!isForked({ snapshots: [later] }));
  assert.ok(!isForked({ loss: loss({ lastSequence: 90 }) }));
  assert.ok(
    !isForked({ loss: loss({ firstSequence: 90, lastSequence: 89 }) }),
  );
  assert.ok(!isForked({ snapshots: [{ ...snapshots[0], isVerified: false }] }));
  assert.ok(!isForked({ own: own({ time: timeAt(102) }) }));
});

test("a replica whose own state is in doubt does nothing", () => {
  for (const at of [loss(), GONE, FENCED, UNMARKED]) {
    for (
      const changes of [
        { isForked: true },
        { isDiverged: true },
        { isWhole: false },
      ]
    ) {
      const step = healingStep(facts({ loss: at, own: own(changes) }));
      assert.equal(step.type, "none");
    }
  }
});

test("healing is off, for a reason, where it can't be done or is not wanted", () => {
  for (const at of [loss(), GONE, FENCED, UNMARKED]) {
    check([
      [{ loss: { ...at, problem: "upgrade NATS" } }, "off"],
      [{ loss: at, isPresenceOn: false }, "off"],
      [{ loss: at, problem: "no permission" }, "off"],
      [{ loss: at, healAfter_ms: 0 }, "off"],
    ]);
  }
  const otherLog = { loss: loss({ type: "other_log" }) };
  check([[otherLog, "off"]]);
  const step = healingStep(facts(otherLog));
  assert.match(step.type === "none" ? step.reason : "", /nats stream rm/);
});

test("what an operator orders is done at once, unless a fuller replica is awaited or heard", () => {
  const ordered = { isOrdered: true, now_ms: 0, fenceSince_ms: 0 };
  check([
    [ordered, "fence 100 after 80"],
    [{ ...ordered, loss: GONE }, "remake"],
    [{ ...ordered, healAfter_ms: 0 }, "fence 100 after 80"],
    [{ ...ordered, awaited: ["a"] }, "wait"],
    [{ ...ordered, others: [other("a", 101)] }, "wait"],
  ]);
});

test("a replica that is heard to have gone on from an unknown heal point forks this one", () => {
  const of = (changes: Parameters<typeof other>[2], heals = healsAt()) =>
    healingFork(facts({
      own: own({ heals }),
      others: [other("a", 90, changes)],
    }));
  const forks = { heals: 1, healedTo: 60 };
  assert.match(
    of(forks)!,
    /replica a says that the log was healed to entry 60/,
  );
  assert.equal(of({ heals: 1, healedTo: 100 }), undefined);
  assert.equal(of(forks, healsAt(60)), undefined);
  // It missed the second healing, so it is the one that is forked.
  assert.equal(of(forks, healsAt(50, 80)), undefined);
  assert.notEqual(of(forks, healsAt(50)), undefined);
  assert.equal(of({ ...forks, state: "forked" }), undefined);
  assert.equal(of({ ...forks, logId: "x" }), undefined);
});

test("a stored snapshot that goes on from an unknown heal point forks this replica", () => {
  const of = (heals = healsAt(), more = {}) =>
    healingFork(facts({
      own: own({ heals }),
      snapshots: [stored(120, more, healsAt(60))],
    }));
  assert.match(of()!, /a snapshot of the log says/);
  assert.equal(of(healsAt(60)), undefined);
  assert.equal(of(healsAt(50, 80)), undefined);
  assert.equal(of(healsAt(), { isVerified: false }), undefined);
  assert.equal(
    say(healingStep(facts({ snapshots: [stored(120, {}, healsAt(60))] }))),
    "problem",
  );
});

test("whatever tells a fork forks this replica, also beside what tells none", () => {
  const forks = other("a", 90, { heals: 1, healedTo: 60 });
  assert.notEqual(
    healingFork(facts({ loss: FENCED, others: [other("c", 100), forks] })),
    undefined,
  );
  assert.notEqual(
    healingFork(facts({
      snapshots: [stored(130), stored(120, {}, healsAt(60)), stored(100)],
    })),
    undefined,
  );
});

test("replicas give each other up at the same time, whoever counts", () => {
  assert.equal(GONE_AFTER_MS, CLUSTER_GONE_AFTER_MS);
});

const sequence = fc.integer({ min: 0, max: 12 });
const anyHeals = fc.uniqueArray(sequence, { maxLength: 2 })
  .map((points) => healsAt(...points.toSorted((a, b) => a - b)));
const history = fc.nat({ max: 1 });

/** Facts of all kinds, most of which can't be. */
const anyFacts: fc.Arbitrary<HealingFacts> = fc.record({
  now_ms: fc.constantFrom(0, 9_999, 10_000, 13_000, 40_000),
  own: fc.record({ appliedSequence: sequence, history, heals: anyHeals }).chain(
    ({ appliedSequence, history, heals }) =>
      fc.record({
        isWhole: fc.boolean(),
        isDiverged: fc.constantFrom(false, false, true),
        isForked: fc.constantFrom(false, false, true),
      }).map((flags) =>
        own({
          ...flags,
          appliedSequence,
          digest: digestAt(appliedSequence, history),
          heals,
        })
      ),
  ),
  loss: fc.record({
    type: fc.constantFrom("gone", "tail", "fenced", "unmarked", "other_log"),
    firstSequence: sequence,
    lastSequence: sequence,
    fence: fc.option(
      fc.record({ sequence, history }).map(({ sequence, history }) => ({
        sequence,
        digest: digestAt(sequence, history),
        at: 1,
        time: "",
      })),
    ),
    problem: fc.constantFrom(undefined, undefined, undefined, "upgrade"),
  }).map(({ fence, problem, type, ...more }) =>
    loss({
      ...more,
      type: type as "gone",
      ...(type === "fenced" &&
        {
          fence: fence ?? { sequence: 9, digest: digestAt(9), at: 1, time: "" },
        }),
      ...(problem && { problem }),
    })
  ),
  lossSince_ms: fc.constantFrom(0, 5_000),
  fenceSince_ms: fc.constantFrom(0, 9_000),
  others: fc.array(
    fc.record({
      id: fc.constantFrom("a", "c", "d"),
      appliedSequence: sequence,
      history,
      more: fc.record({
        state: fc.constantFrom("healing", "ready", "forked", "ahead_of_log"),
        logId: fc.constantFrom(LOG_ID, LOG_ID, null),
        lastSequence: sequence,
        heals: fc.constantFrom(undefined, 0, 0, 1, 2),
        healedTo: fc.option(sequence),
        heardAgo_ms: fc.constantFrom(0, 4_000, 11_000),
      }),
    }).map(({ id, appliedSequence, history, more }) =>
      other(id, appliedSequence, {
        ...more,
        digest: digestAt(appliedSequence, history),
      })
    ),
    { maxLength: 3 },
  ),
  awaited: fc.constantFrom([], [], ["a"]),
  isPresenceOn: fc.constantFrom(true, true, true, false),
  snapshots: fc.array(
    fc.record({
      sequence,
      history,
      heals: anyHeals,
      isVerified: fc.boolean(),
      isUnreadable: fc.constantFrom(false, false, true),
    }).map(({ sequence, history, heals, ...flags }) => {
      const { info } = stored(sequence, {}, heals);
      return stored(sequence, {
        ...flags,
        info: { ...info, digest: digestAt(sequence, history) },
      });
    }),
    { maxLength: 3 },
  ),
  healAfter_ms: fc.constantFrom(0, HEAL_AFTER_MS, HEAL_AFTER_MS),
  isOrdered: fc.boolean(),
  problem: fc.constantFrom(undefined, undefined, "forbidden"),
});

/** Facts of which more can be: the state is kept, and something is lost. */
const likelyFacts = anyFacts.map((facts): HealingFacts => {
  const { own: state, loss, snapshots } = facts;
  const { appliedSequence, digest, heals } = state;
  const { info } = stored(appliedSequence, {}, heals);
  const lastSequence = Math.max(0, appliedSequence - 3);
  return {
    ...facts,
    own: { ...state, isForked: false, isDiverged: false, isWhole: true },
    loss: loss.type === "tail" ? { ...loss, lastSequence } : loss,
    awaited: [],
    isPresenceOn: true,
    problem: undefined,
    snapshots: [
      stored(appliedSequence, { info: { ...info, digest } }),
      ...snapshots,
    ],
  };
});

test("no facts lead to a step that would break what healing promises", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(anyFacts, likelyFacts), (facts) => {
      const step = healingStep(facts);
      seen.add(step.type);
      // It does so itself, and must not be the only one.
      if (step.type !== "none") checkHealing(step, facts);
    }),
    { numRuns: 20_000, seed: 20_251_126 },
  );
  assert.equal(seen.size, 8, `only ${[...seen]}`);
});

test("healingStep() checks its own decision: no facts lead it to another log's snapshot", () => {
  const { info } = stored(120);
  const snapshots = [stored(120, { info: { ...info, logId: "x" } })];
  assert.throws(() => healingStep(facts({ snapshots })), HealingError);
});

test("of replicas with the same view one acts at most, and it has the fullest state", () => {
  const replica = fc.record({
    appliedSequence: fc.constantFrom(90, 95, 100),
    heals: fc.constantFrom(undefined, 0, 0, 0),
    isVerified: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(replica, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(loss(), GONE, FENCED, UNMARKED),
      fc.constantFrom(HEAL_AFTER_MS - 1, HEAL_AFTER_MS),
      (replicas, loss, now_ms) => {
        const all = replicas.map(({ appliedSequence, heals }, i) =>
          other("abcd"[i], appliedSequence, { heals })
        );
        const fullest = Math.max(...all.map((one) => one.appliedSequence));
        const snapshots = replicas.flatMap((one) =>
          one.isVerified ? [stored(one.appliedSequence)] : []
        );
        const actors = all.filter((self) => {
          // One that can't heal is not asked.
          if (self.heals === undefined) return false;
          const { id, appliedSequence } = self;
          return healingStep(facts({
            own: own({ id, appliedSequence }),
            others: all.filter((one) => one !== self),
            loss,
            snapshots,
            now_ms,
            fenceSince_ms: now_ms,
          })).type !== "none";
        });
        assert.ok(actors.length <= 1, actors.map(({ id }) => id).join());
        const [actor] = actors;
        if (actor === undefined || loss === FENCED || loss === UNMARKED) return;
        const most = snapshots.some(({ info }) => info.sequence === fullest);
        assert.ok(actor.appliedSequence === fullest || most);
      },
    ),
    { numRuns: 5_000, seed: newSeed() },
  );
});
