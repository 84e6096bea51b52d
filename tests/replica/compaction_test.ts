import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BACK_OFF_MAX_MS,
  BACK_OFF_MIN_MS,
  FORBIDDEN_WAIT_MS,
  nextStep,
  noteWanted,
  OTHERS_WAIT_MS,
  TRIM_WAIT_MS,
  UNVERIFIED_WAIT_MS,
  VERIFY_WAIT_MS,
} from "../../src/replica/compaction.ts";
import type { CompactionFacts } from "../../src/replica/compaction_facts.ts";
import { newSeed } from "../support/random.ts";
import {
  BESIDE_LOG,
  DATE_MS,
  facts,
  FOLDER,
  known,
  say,
  stepAfter,
  stepOf,
} from "./compaction_facts.ts";

const permissions = "none";

function test(name: string, fn: () => void): void {
  Deno.test({ name, permissions, fn });
}

const MINUTE_MS = 60_000;
const retention = { age_ms: undefined, bytes: undefined, entries: undefined };
const policy = { logBytes: 10_000, interval_ms: undefined };

test("a snapshot is due once more log than configured came since the newest verified one", () => {
  const cases: [changes: Partial<CompactionFacts>, step: string][] = [
    [{ appliedSequence: 10_000 }, "none"],
    [{ appliedSequence: 10_001 }, "write"],
    [{ appliedSequence: 15_000, snapshots: [known(5_000)] }, "none"],
    [{ appliedSequence: 15_001, snapshots: [known(5_000)] }, "write"],
    // One of another log stands in for nothing.
    [{ appliedSequence: 10_001, snapshots: [known(5_000, "vx")] }, "write"],
  ];
  for (const [changes, step] of cases) assert.equal(stepOf(changes), step);
});

test("a snapshot is not due before twice its size came, so that a set costs the same however many users there are", () => {
  const snapshots = [known(5_000, "v", { bytes: 6_000 })];
  const appliedSequence = 17_000;
  assert.equal(stepOf({ appliedSequence, snapshots }), "none");
  assert.equal(stepOf({ appliedSequence: 17_001, snapshots }), "write");
});

test("with SNAPSHOT_LOG_BYTES=0 one is only made for a request", () => {
  const changes = {
    appliedSequence: 1e9,
    policy: { logBytes: 0, interval_ms: 1 },
    retention: { age_ms: 1, bytes: 1, entries: 1 },
    firstSequence: 7,
  };
  assert.equal(stepOf(changes), "none");
  assert.equal(stepOf({ ...changes, isRequested: true }), "write");
});

test("one is due when the newest is as old as it may be, if anything has changed", () => {
  const newest = known(900, "v", {
    info: {
      ...known(900).info,
      time: "2026-11-23T23:00:00.123456789Z",
    },
  });
  const hour = { ...policy, interval_ms: 60 * MINUTE_MS };
  const older = known(800);
  const at = (minute: number, appliedSequence: number) =>
    stepOf({
      policy: hour,
      snapshots: [newest, older],
      firstSequence: 800,
      date_ms: DATE_MS + minute * MINUTE_MS,
      appliedSequence,
    });
  assert.equal(at(0, 901), "none");
  assert.equal(at(1, 901), "write");
  assert.equal(at(1, 900), "none");
  assert.equal(stepOf({ policy: hour, appliedSequence: 1 }), "write");
  assert.equal(stepOf({ policy: hour, appliedSequence: 0 }), "none");
});

test("a date far ahead of that of the log makes none before the time is over since the newest was written here", () => {
  const now_ms = 10_000_000;
  const ago = (minutes: number, id: string) =>
    stepOf({
      policy: { ...policy, interval_ms: 60 * MINUTE_MS },
      snapshots: [known(900), known(800)],
      firstSequence: 800,
      date_ms: DATE_MS + 1e9,
      now_ms,
      lastWrite: { id, endedAt_ms: now_ms - minutes * MINUTE_MS, took_ms: 1 },
    });
  const [{ id }, other] = [known(900), known(800)];
  assert.equal(ago(0, id), "none");
  assert.equal(ago(59, id), "none");
  assert.equal(ago(60, id), "write");
  // What was written here last is no more, or was written elsewhere.
  assert.equal(ago(0, other.id), "write");
});

test("a date far behind that of the log makes one when the time is over since the newest was seen here", () => {
  const now_ms = 10_000_000;
  const seenFor = (minutes: number, changes: Partial<CompactionFacts>) =>
    stepOf({
      snapshots: [known(900), known(800)],
      firstSequence: 800,
      date_ms: DATE_MS - 1e9,
      now_ms,
      newestSince_ms: now_ms - minutes * MINUTE_MS,
      ...changes,
    });
  const hourly = { policy: { ...policy, interval_ms: 60 * MINUTE_MS } };
  assert.equal(seenFor(59, hourly), "none");
  assert.equal(seenFor(60, hourly), "write");
  const quarterly = { retention: { ...retention, age_ms: 60 * MINUTE_MS } };
  assert.equal(seenFor(14, quarterly), "none");
  assert.equal(seenFor(15, quarterly), "write");
});

test("one is due when a quarter of a limit that takes old entries was used since the newest", () => {
  const snapshots = [known(900)];
  const at = (
    limit: Partial<typeof retention> | { [key: string]: number },
    changes: Partial<CompactionFacts> = {},
  ) =>
    stepOf({
      snapshots,
      appliedSequence: 1_000,
      retention: { ...retention, ...limit },
      ...changes,
    });
  assert.equal(at({ bytes: 401 }), "none");
  assert.equal(at({ bytes: 400 }), "write");
  assert.equal(at({ entries: 401 }), "none");
  assert.equal(at({ entries: 400 }), "write");
  assert.equal(at({ age_ms: 4_001 }), "none");
  assert.equal(at({ age_ms: 4_000 }), "write");
  assert.equal(at({ age_ms: 4 }, { appliedSequence: 900 }), "none");
  const lastWrite = { id: "900", endedAt_ms: 1_000_000, took_ms: 100 };
  const later = (ms: number) =>
    at({ entries: 4 }, { lastWrite, now_ms: 1_000_000 + ms });
  assert.equal(later(399), "none");
  assert.equal(later(400), "write");
});

test("one is due when the log was cut and fewer than two snapshots stand in for it", () => {
  const at = (
    firstSequence: number,
    snapshots: CompactionFacts["snapshots"],
    place = BESIDE_LOG,
  ) => stepOf({ firstSequence, snapshots, place });
  assert.equal(at(1, []), "none");
  assert.equal(at(2, []), "write");
  assert.equal(at(901, [known(950)]), "write");
  assert.equal(at(900, [known(950), known(900)]), "none");
  assert.equal(at(901, [known(950), known(900)]), "none");
  assert.equal(at(902, [known(950), known(900)]), "write");
  // A folder is not what the log is cut behind.
  assert.equal(at(951, [known(950)], FOLDER), "none");
  assert.equal(at(952, [known(950)], FOLDER), "write");
});

test("a snapshot of the state before the log's first entry stands in for nothing if no start can go on from it", () => {
  const at = (
    snapshots: CompactionFacts["snapshots"],
    beginsUnproven: boolean,
  ) => stepOf({ firstSequence: 901, snapshots, beginsUnproven });
  const before = [known(900), known(900, "v", { id: "again" })];
  assert.equal(at(before, false), "none");
  assert.equal(at(before, true), "write");
  assert.equal(at([known(950), known(900)], false), "none");
  assert.equal(at([known(950), known(900)], true), "write");
  assert.equal(at([known(950), known(901)], true), "none");
  // Nor does it hold back the next one until it is read back.
  const unread = [known(900, "", { id: "unread" }), ...before];
  assert.equal(at(unread, false), "none");
  assert.equal(at(unread, true), "write");
});

test("one is due when entries were removed from the middle of the log, until two snapshots include them", () => {
  const at = (
    snapshots: CompactionFacts["snapshots"],
    changes: Partial<CompactionFacts> = {},
  ) => stepOf({ removedTo: 920, snapshots, ...changes });
  assert.equal(at([]), "write");
  assert.equal(at([known(950)]), "write");
  const cut = { firstSequence: 919 };
  assert.equal(at([known(950), known(919)], cut), "write");
  // Then the log is cut, and begins after them.
  assert.equal(at([known(950), known(920)]), "trim 920");
  assert.equal(at([known(919)], { place: FOLDER }), "write");
  assert.equal(at([known(920)], { place: FOLDER }), "none");
  const policy = { logBytes: 0, interval_ms: undefined };
  assert.equal(at([], { policy }), "none");
});

test("the first of the ready replicas writes at once, the others each a minute later", () => {
  for (const rank of [0, 1, 2, 5]) {
    const changes = { appliedSequence: 20_000, rank };
    const wait_ms = rank * OTHERS_WAIT_MS;
    if (rank > 0) assert.equal(stepAfter(wait_ms - 1, changes), "none");
    assert.equal(stepAfter(wait_ms, changes), "write");
    assert.equal(stepOf({ ...changes, isRequested: true }), "write");
    const own = { ...changes, place: FOLDER };
    assert.equal(stepOf(own), "write");
  }
});

test("a newer snapshot ends the wait for one's turn", () => {
  const rank = 1;
  const before = facts({ appliedSequence: 20_000, rank });
  const wantedSince = noteWanted(before);
  assert.deepEqual([...wantedSince.keys()], ["write"]);
  const seen = noteWanted({
    ...before,
    wantedSince,
    snapshots: [known(20_000)],
  });
  assert.deepEqual([...seen.keys()], []);
});

test("an own snapshot is read back at once, before anything else is done", () => {
  for (const rank of [0, 3]) {
    for (const isRequested of [false, true]) {
      const snapshots = [
        known(990, ""),
        known(900, "o"),
        known(800),
        known(700),
      ];
      assert.equal(stepOf({ rank, isRequested, snapshots }), "verify 900o");
    }
  }
});

test("another replica's snapshot is read back if nobody has for a while, and holds back the next one for longer", () => {
  const snapshots = [known(15_000, ""), known(2)];
  for (const rank of [0, 1]) {
    const changes = { appliedSequence: 20_000, rank, snapshots };
    const turn_ms = rank * OTHERS_WAIT_MS;
    assert.equal(stepAfter(turn_ms + VERIFY_WAIT_MS - 1, changes), "none");
    assert.equal(stepAfter(turn_ms + VERIFY_WAIT_MS, changes), "verify 15000");
    const wantedSince = new Map([["write", 0], ["verify 15000", 1e9]]);
    const at = (now_ms: number) =>
      say(nextStep(facts({ ...changes, now_ms, wantedSince })));
    assert.equal(at(turn_ms + UNVERIFIED_WAIT_MS - 1), "none");
    assert.equal(at(turn_ms + UNVERIFIED_WAIT_MS), "write");
  }
  // Nobody else writes here: its writer has died.
  const alone = { appliedSequence: 20_000, place: FOLDER, snapshots };
  assert.equal(stepOf(alone), "verify 15000");
});

test("beside the log two verified snapshots are kept, and what is newer than the second", () => {
  const at = (...snapshots: CompactionFacts["snapshots"]) =>
    stepOf({ snapshots, firstSequence: 800 });
  const [a, b, c, d] = [known(990), known(900), known(800), known(700, "")];
  assert.equal(at(a, b), "trim 900");
  assert.equal(at(a, b, c), "delete 800v");
  assert.equal(at(a, b, c, d), "delete 800v");
  assert.equal(at(a, b, d), "delete 700");
  // Its writer may be reading it back, and count on it as the second one then.
  assert.equal(at(a, known(950, ""), b), "trim 900");
  assert.equal(at(a, known(950, "")), "write");
  assert.equal(at(a, known(950, "x"), b, known(2, "vx")), "trim 900");
  // Nothing newer was read back: it may be what a restart needs.
  assert.equal(at(known(990, ""), known(950, ""), known(900)), "none");
});

test("snapshots that can't be read back hold nothing back, until there are three", () => {
  const appliedSequence = 20_000;
  const at = (...snapshots: CompactionFacts["snapshots"]) =>
    stepOf({ snapshots, appliedSequence });
  const [a, b, c] = [known(990, "u"), known(980, "uo"), known(970, "u")];
  assert.equal(at(a, known(2)), "write");
  assert.equal(at(a, b, known(2)), "write");
  assert.equal(at(a, b, c, known(2)), "none");
  assert.equal(at(a, b, c), "none");
  const full = facts({
    snapshots: [a, b, c],
    appliedSequence,
    isRequested: true,
  });
  const step = nextStep(full);
  assert.ok(step.type === "none" && step.isProblem);
  assert.equal(step.reason, "3 snapshots could not be read back");
});

test("a folder keeps as many that were read back as configured, and what lies between", () => {
  const at = (...snapshots: CompactionFacts["snapshots"]) =>
    stepOf({ snapshots, place: FOLDER });
  assert.equal(at(known(990), known(900, ""), known(800)), "none");
  assert.equal(
    at(known(990), known(900, ""), known(800), known(700)),
    "none",
  );
  assert.equal(
    at(known(990), known(900, ""), known(800), known(700), known(600, "")),
    "delete 600",
  );
  assert.equal(
    at(known(990, ""), known(900), known(800), known(700)),
    "verify 990",
  );
  assert.equal(
    at(known(990), known(900, "x"), known(800), known(700)),
    "none",
  );
});

test("before anything is let go, the second newest that was read back is read again, and one that is damaged by then does not count", () => {
  const places = [BESIDE_LOG, FOLDER, { ...FOLDER, kept: 1 }];
  const at = (...snapshots: CompactionFacts["snapshots"]) =>
    places.map((place) => stepOf({ snapshots, place }));
  const [n, o, p, q] = [known(990), known(900, "v1"), known(800), known(700)];
  assert.deepEqual(at(n, o), ["verify 900v1", "none", "delete 900v1"]);
  assert.deepEqual(at(n, o, p, q), [
    "verify 900v1",
    "verify 900v1",
    "delete 900v1",
  ]);
  // It turned out to be damaged.
  const bad = known(900, "v1u");
  assert.deepEqual(at(n, bad), ["none", "none", "delete 900v1u"]);
  assert.deepEqual(at(n, bad, p), ["trim 800", "none", "delete 900v1u"]);
  assert.deepEqual(at(n, bad, known(800, "v1")), [
    "verify 800v1",
    "none",
    "delete 900v1u",
  ]);
});

test("reading a snapshot again before a trim takes no second turn", () => {
  const snapshots = [known(990), known(900, "v1")];
  const before = facts({ snapshots, rank: 1 });
  const now_ms = before.now_ms + OTHERS_WAIT_MS;
  const wantedSince = noteWanted(before);
  const later = { ...before, now_ms, wantedSince };
  assert.equal(nextStep(later).type, "verify");
  const read = { ...later, snapshots: [known(990), known(900)] };
  assert.equal(
    nextStep({ ...read, wantedSince: noteWanted(read) }).type,
    "trim",
  );
});

test("a log that must not be cut is not, which is a problem, and snapshots are made all the same", () => {
  const cutProblem = "the log is not cut: an old server";
  const snapshots = [known(990), known(900), known(800)];
  const at = (changes: Partial<CompactionFacts> = {}) =>
    nextStep(facts({ snapshots, cutProblem, ...changes }));
  assert.equal(at().type, "delete");
  const done = at({ snapshots: snapshots.slice(0, 2) });
  assert.deepEqual(done, {
    type: "none",
    reason: cutProblem,
    isProblem: true,
  });
  assert.equal(at({ appliedSequence: 20_000, snapshots: [] }).type, "write");
  const folder = at({ snapshots: snapshots.slice(0, 2), place: FOLDER });
  assert.ok(folder.type === "none" && !folder.isProblem);
});

test("the log is cut at the older of two verified snapshots, where it reaches further back", () => {
  const at = (
    firstSequence: number,
    ...snapshots: CompactionFacts["snapshots"]
  ) => stepOf({ firstSequence, snapshots });
  assert.equal(at(1, known(900), known(500)), "trim 500");
  assert.equal(at(499, known(900), known(500)), "trim 500");
  assert.equal(at(500, known(900), known(500)), "none");
  assert.equal(at(1, known(900)), "none");
  assert.equal(at(1, known(900), known(500, "vx")), "none");
  assert.equal(at(1, known(900), known(1)), "none");
  assert.equal(at(1, known(900), known(0)), "none");
  assert.equal(
    stepOf({ place: FOLDER, snapshots: [known(900), known(500)] }),
    "none",
  );
});

test("a trim waits a while for replicas that would need the entries", () => {
  const snapshots = [known(900), known(500)];
  const at = (wait_ms: number, slowestSequence: number, rank = 0) =>
    stepAfter(wait_ms, { snapshots, slowestSequence, rank });
  assert.equal(at(0, 499), "trim 500");
  assert.equal(at(0, 498), "none");
  assert.equal(at(TRIM_WAIT_MS - 1, 0), "none");
  assert.equal(at(TRIM_WAIT_MS, 0), "trim 500");
  assert.equal(at(2 * OTHERS_WAIT_MS - 1, 0, 2), "none");
  assert.equal(at(2 * OTHERS_WAIT_MS, 0, 2), "trim 500");
  // What else is due does not wait for it.
  const changes = { snapshots, slowestSequence: 0, appliedSequence: 20_000 };
  assert.equal(stepOf(changes), "write");
});

test("a trim that has waited is not put off by newer snapshots, and the one after it waits anew", () => {
  const start_ms = 1_000_000;
  let wantedSince: CompactionFacts["wantedSince"] = new Map();
  const at = (wait_ms: number, firstSequence: number, sequence: number) => {
    const snapshots = [known(sequence + 10), known(sequence)];
    const now_ms = start_ms + wait_ms;
    const changes = { snapshots, firstSequence, slowestSequence: 0, now_ms };
    wantedSince = noteWanted(facts({ ...changes, wantedSince }));
    return say(nextStep(facts({ ...changes, wantedSince })));
  };
  assert.equal(at(0, 1, 500), "none");
  assert.equal(at(TRIM_WAIT_MS / 2, 1, 600), "none");
  assert.equal(at(TRIM_WAIT_MS - 1, 1, 700), "none");
  assert.equal(at(TRIM_WAIT_MS, 1, 800), "trim 800");
  assert.equal(at(TRIM_WAIT_MS + 1, 800, 900), "none");
  assert.equal(at(2 * TRIM_WAIT_MS + 1, 800, 910), "trim 910");
});

test("snapshots that are asked for again and again don't keep older ones and the log", () => {
  const snapshots = [known(900), known(800), known(700), known(600)];
  const ask = (changes: Partial<CompactionFacts>) =>
    stepOf({ isRequested: true, ...changes });
  assert.equal(ask({ snapshots }), "delete 700v");
  assert.equal(ask({ snapshots: snapshots.slice(0, 2) }), "trim 800");
  assert.equal(
    ask({ snapshots: snapshots.slice(0, 2), firstSequence: 800 }),
    "write",
  );
  // It is not this replica's turn.
  assert.equal(ask({ snapshots, rank: 1 }), "write");
  const failure = { count: 1, at_ms: 1_000_000, isForbidden: false };
  assert.equal(ask({ snapshots, failure }), "write");
});

test("after a failure nothing is tried for a time that doubles, but for a request", () => {
  const at = (count: number, wait_ms: number, changes = {}) =>
    stepOf({
      appliedSequence: 20_000,
      failure: { count, at_ms: 1_000_000, isForbidden: false },
      now_ms: 1_000_000 + wait_ms,
      ...changes,
    });
  for (
    const [count, wait_ms] of [
      [1, BACK_OFF_MIN_MS],
      [2, 2 * BACK_OFF_MIN_MS],
      [6, 32 * BACK_OFF_MIN_MS],
      [7, BACK_OFF_MAX_MS],
      [5_000, BACK_OFF_MAX_MS],
    ]
  ) {
    assert.equal(at(count, wait_ms - 1), "none");
    assert.equal(at(count, wait_ms), "write");
    assert.equal(at(count, 0, { isRequested: true }), "write");
    assert.equal(at(count, 0, { isHurried: true }), "write");
  }
  const failure = { count: 1, at_ms: 1_000_000, isForbidden: true };
  const wait_ms = FORBIDDEN_WAIT_MS;
  assert.equal(at(1, wait_ms - 1, { failure }), "none");
  assert.equal(at(1, wait_ms, { failure }), "write");
});

test("nothing at all is done beside a log that has lost its tail", () => {
  const snapshots = [known(1_001), known(900), known(500), known(2)];
  const lost = facts({ snapshots, isRequested: true });
  const step = nextStep(lost);
  assert.ok(step.type === "none" && step.isProblem);
  assert.equal(
    step.reason,
    "the log has lost entries: it ends at 1000, and a snapshot of it at 1001",
  );
  assert.equal(noteWanted(lost).size, 0);
  // Others' snapshots say nothing of this log.
  const [, ...ours] = snapshots;
  assert.equal(
    stepOf({ snapshots: [known(1_001, "vx"), ...ours] }),
    "delete 2v",
  );
});

test("nothing is done by a replica that can't commit, and its turn begins anew after that", () => {
  const blocked = "it is catching up";
  const changes = { blocked, appliedSequence: 20_000, isRequested: true };
  assert.equal(stepOf(changes), "none");
  const wantedSince = new Map([["write", 0]]);
  assert.equal(noteWanted(facts({ ...changes, wantedSince })).size, 0);
});

const snapshotOf = fc.record({
  sequence: fc.nat({ max: 30 }),
  isVerified: fc.boolean(),
  isOwn: fc.boolean(),
  isUnreadable: fc.boolean(),
  isReadAgain: fc.boolean(),
  isOfThisLog: fc.boolean(),
  bytes: fc.nat({ max: 20 }),
});

const small = fc.option(fc.nat({ max: 20 }), { nil: undefined });

const anyFacts = fc.record({
  snapshots: fc.array(snapshotOf, { maxLength: 7 }).map((list) =>
    list.toSorted((a, b) => b.sequence - a.sequence).map(
      ({ sequence, ...more }, i) => known(sequence, `${i}`, more),
    )
  ),
  place: fc.constantFrom(
    BESIDE_LOG,
    { ...BESIDE_LOG, isShared: false },
    FOLDER,
    { ...FOLDER, kept: 1 },
  ),
  firstSequence: fc.integer({ min: 1, max: 25 }),
  appliedSequence: fc.nat({ max: 31 }),
  lastSequence: fc.integer({ min: 20, max: 31 }),
  rank: fc.nat({ max: 2 }),
  slowestSequence: small,
  isRequested: fc.boolean(),
  policy: fc.record({ logBytes: fc.nat({ max: 20 }), interval_ms: small }),
  retention: fc.record({ age_ms: small, bytes: small, entries: small }),
  wait_ms: fc.constantFrom(0, OTHERS_WAIT_MS, 10 * OTHERS_WAIT_MS),
});

function check(property: (changes: Partial<CompactionFacts>) => void): void {
  fc.assert(
    fc.property(anyFacts, ({ wait_ms, ...changes }) => {
      const then = facts(changes);
      const now_ms = then.now_ms + wait_ms;
      property({ ...then, now_ms, wantedSince: noteWanted(then) });
    }),
    { numRuns: 3_000, seed: newSeed() },
  );
}

test("whatever the facts, the two newest verified snapshots stay, those of other logs too, and the log is cut behind the older one alone", () => {
  check((changes) => {
    const all = facts(changes);
    const step = nextStep(all);
    const { snapshots, place } = all;
    const verified = snapshots.filter((one) =>
      one.isOfThisLog && one.isVerified && !one.isUnreadable
    );
    const isBeyond = snapshots.some((one) =>
      one.isOfThisLog && one.info.sequence > all.lastSequence
    );
    if (isBeyond) return assert.equal(step.type, "none");
    switch (step.type) {
      case "verify":
        assert.ok(step.snapshot.isOfThisLog);
        assert.ok(
          !step.snapshot.isVerified ||
            step.snapshot === verified[1] && !step.snapshot.isReadAgain,
        );
        break;
      case "delete": {
        assert.ok(step.snapshot.isOfThisLog);
        const kept = verified.slice(0, place.kept);
        assert.equal(kept.length, place.kept);
        assert.ok(!kept.includes(step.snapshot));
        assert.ok(place.kept === 1 || kept[1].isReadAgain);
        break;
      }
      case "trim":
        assert.ok(place.trims);
        assert.equal(step.older, verified[1]);
        assert.ok(step.older.isReadAgain);
        assert.ok(step.older.info.sequence > 1);
        assert.ok(step.older.info.sequence > all.firstSequence);
        break;
      case "write":
        assert.ok(all.isRequested || all.policy.logBytes > 0);
    }
  });
});

test("whatever the facts, the steps come to an end, and leave what was asked for", () => {
  check((changes) => {
    let all = facts(changes);
    let written = 0;
    for (let steps = 0;; steps++) {
      assert.ok(steps < 30, "it does not end");
      const step = nextStep(all);
      if (step.type === "none") break;
      switch (step.type) {
        case "write": {
          assert.equal(written++, 0, "one snapshot is enough");
          const at = all.appliedSequence;
          all = {
            ...all,
            isRequested: false,
            snapshots: [
              ...all.snapshots,
              known(at, "o", { id: "new" }),
            ].toSorted((a, b) => b.info.sequence - a.info.sequence),
            lastSequence: Math.max(at, all.lastSequence),
            lastWrite: { id: "", endedAt_ms: all.now_ms, took_ms: 1 },
          };
          break;
        }
        case "verify":
        case "delete": {
          const { snapshot } = step;
          all = {
            ...all,
            snapshots: all.snapshots.flatMap((one) =>
              one !== snapshot ? [one] : step.type === "verify"
                ? [{
                  ...one,
                  isVerified: true,
                  isReadAgain: true,
                  isOwn: false,
                }]
                : []
            ),
          };
          break;
        }
        case "trim":
          all = { ...all, firstSequence: step.older.info.sequence };
      }
      all = { ...all, wantedSince: noteWanted(all) };
    }
    const step = nextStep(all);
    assert.ok(
      !all.isRequested || (step.type === "none" && step.isProblem),
      "a request is met or refused",
    );
  });
});
