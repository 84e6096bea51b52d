import assert from "node:assert/strict";
import { checkHealing, HealingError } from "../../src/replica/healing_check.ts";
import { HealPoints } from "../../src/replica/heal_points.ts";
import {
  GONE_AFTER_MS,
  type HealingFacts,
  type HealingSnapshot,
  type HealingWork,
} from "../../src/replica/healing_facts.ts";
import { Seams } from "../../src/replica/seams.ts";
import type { SeamsData } from "../../src/snapshot/snapshot.ts";
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
  stored,
  timeAt,
  UNMARKED,
} from "./healing_facts.ts";

const permissions = "none";

/** A step that is right, and what makes it wrong. */
interface Case {
  readonly step: HealingWork;
  readonly right: Partial<HealingFacts>;
  /** What leaves it right. */
  readonly stillRight?: readonly Partial<HealingFacts>[];
  readonly wrong: readonly Partial<HealingFacts>[];
}

/** A history that has a seam at an entry of this time. */
function seams(time: number): SeamsData {
  return { since: 0, count: 1, points: [[90, timeAt(time)!]] };
}

/** A snapshot that goes on from such a state, or from another one. */
function seamedSnapshot(time: number): HealingSnapshot {
  const { info } = stored(120);
  return stored(120, { info: { ...info, seams: seams(time) } });
}

const seamed = own({ seams: Seams.from(seams(90), 100) });
const often = healsAt(...Array.from({ length: 40 }, (_, i) => i + 1));

const healed = own({ heals: healsAt(50) });

/** A later snapshot that was healed some 40 times, at these sequences last. */
function newer(...last: number[]): HealingSnapshot {
  const points = healsAt(...last).points;
  const { info } = stored(120);
  return stored(120, { info: { ...info, heals: { count: 41, points } } });
}

const POINT = { sequence: 100, digest: digestAt(100) };
const OTHER_POINT = { sequence: 100, digest: digestAt(100, 7) };

const early = { now_ms: HEAL_AFTER_MS - 1 };
const unkept = [
  { snapshots: [] },
  { snapshots: [stored(100, { isVerified: false })] },
  { snapshots: [stored(100, { isUnreadable: true })] },
  { snapshots: [stored(99), stored(101)] },
  {
    snapshots: [
      stored(100, { info: { ...stored(100).info, digest: digestAt(100, 7) } }),
      stored(100, { info: { ...stored(100).info, logId: "x" } }),
    ],
  },
];

const restored = stored(120, {}, healsAt(50));

const CASES: Record<string, Case> = {
  write: {
    step: { type: "write", point: POINT },
    right: early,
    wrong: [
      { own: own({ appliedSequence: 99 }) },
      { own: own({ digest: digestAt(1) }) },
    ],
  },
  verify: {
    step: { type: "verify", snapshot: stored(100, { isVerified: false }) },
    right: early,
    wrong: [{ own: own({ logId: "x" }) }],
  },
  restore: {
    step: { type: "restore", snapshot: restored },
    right: { own: own({ heals: healsAt(50) }) },
    stillRight: [
      { own: own({ heals: healsAt(50), time: timeAt(120) }) },
      { loss: GONE },
      { loss: UNMARKED },
    ],
    wrong: [
      early,
      { lossSince_ms: 1 },
      { awaited: ["a"] },
      { loss: FENCED },
      { loss: loss({ type: "other_log" }) },
      { own: own({ appliedSequence: 120, heals: healsAt(50) }) },
      { own: own({ logId: "x", heals: healsAt(50) }) },
      { own: own({ heals: healsAt(50, 90) }) },
      { own: own() },
      { own: own({ heals: healsAt(40) }) },
      { own: own({ heals: healsAt(50), time: timeAt(121) }) },
    ],
  },
  remake: {
    step: { type: "remake" },
    right: { loss: GONE },
    stillRight: [
      {
        loss: GONE,
        own: seamed,
        snapshots: [{ ...seamedSnapshot(91), isUnreadable: true }],
      },
      {
        loss: GONE,
        own: { ...seamed, time: timeAt(120) },
        snapshots: [seamedSnapshot(91)],
      },
    ],
    wrong: [
      { loss: GONE, own: seamed, snapshots: [seamedSnapshot(91)] },
      { loss: loss() },
      { loss: GONE, ...early },
      { loss: GONE, awaited: ["a"] },
      { loss: GONE, healAfter_ms: 0 },
    ],
  },
  fence: {
    step: { type: "fence", point: POINT, after: 80 },
    right: { others: [other("a", 100), other("c", 120, { state: "forked" })] },
    stillRight: [
      { others: [other("a", 101, { logId: "x" })] },
      { others: [other("a", 101, { heardAgo_ms: GONE_AFTER_MS + 1 })] },
      { own: own({ heals: healsAt(50) }), others: [other("a", 120)] },
      {
        own: own({ heals: healsAt(50) }),
        others: [other("a", 90, { heals: undefined, healedTo: 50 })],
      },
      {
        own: own({ heals: healsAt(50) }),
        others: [other("a", 120, { heals: undefined, healedTo: 40 })],
      },
      { own: seamed, others: [other("a", 95, { seams: seams(90) })] },
      { own: seamed, snapshots: [stored(100), seamedSnapshot(90)] },
      {
        own: seamed,
        others: [other("a", 95, { seams: seams(91), state: "forked" })],
      },
      { own: healed, snapshots: [stored(100), stored(120, {}, healsAt(50))] },
      { own: healed, snapshots: [stored(100), stored(120)] },
      {
        own: healed,
        snapshots: [
          stored(100),
          stored(120, { isUnreadable: true }, healsAt(60)),
        ],
      },
      {
        own: { ...healed, time: timeAt(120) },
        snapshots: [stored(100), stored(120, {}, healsAt(110))],
      },
      {
        own: { ...healed, heals: often },
        snapshots: [stored(100), newer(110)],
      },
      {
        own: { ...healed, heals: often },
        snapshots: [stored(100), newer(40, 110)],
      },
    ],
    wrong: [
      early,
      { now_ms: 2 * HEAL_AFTER_MS - 1, lossSince_ms: HEAL_AFTER_MS },
      { awaited: ["a"] },
      { healAfter_ms: 0 },
      { others: [other("a", 101, { heardAgo_ms: GONE_AFTER_MS })] },
      {
        own: own({ heals: healsAt(50) }),
        others: [other("a", 90, { heals: undefined, healedTo: 60 })],
      },
      { own: seamed, others: [other("a", 95, { seams: seams(91) })] },
      {
        own: seamed,
        snapshots: [stored(100), seamedSnapshot(91)],
      },
      { own: healed, snapshots: [stored(100), stored(120, {}, healsAt(60))] },
      { own: healed, snapshots: [stored(100), stored(90, {}, healsAt(60))] },
      { own: healed, snapshots: [stored(100), stored(120, {}, healsAt(110))] },
      {
        own: { ...healed, heals: often },
        snapshots: [stored(100), newer(41, 110)],
      },
      { loss: loss({ lastSequence: 100 }) },
      ...unkept,
      { loss: GONE },
      { loss: UNMARKED },
      { loss: FENCED },
      { loss: { ...FENCED, type: "tail", lastSequence: 80 } },
      { loss: loss({ lastSequence: 81 }) },
      { own: own({ appliedSequence: 101 }) },
      { own: own({ digest: digestAt(100, 7) }) },
      { others: [other("a", 101)] },
      { others: [other("a", 101, { heals: undefined })] },
      { others: [other("a", 90, { heals: 1 })] },
      { others: [other("a", 100, { digest: digestAt(100, 7) })] },
      { others: [other("a", 70, { state: "ready", lastSequence: 100 })] },
    ],
  },
  move: {
    step: { type: "move", point: POINT },
    right: { loss: FENCED, own: own({ appliedSequence: 70 }) },
    stillRight: [{ own: own() }],
    wrong: [
      { loss: loss() },
      { loss: UNMARKED },
      { loss: { ...FENCED, fence: { ...FENCED.fence!, ...OTHER_POINT } } },
      { loss: { ...FENCED, fence: { ...FENCED.fence!, sequence: 99 } } },
      { loss: FENCED, own: own({ appliedSequence: 101 }) },
      ...unkept.map((changes) => ({ loss: FENCED, ...changes })),
    ],
  },
  mark: {
    step: { type: "mark", point: POINT },
    right: { loss: UNMARKED },
    wrong: [
      { loss: FENCED },
      { loss: loss({ firstSequence: 101, lastSequence: 100 }) },
      { loss: { ...UNMARKED, firstSequence: 100 } },
      { loss: { ...UNMARKED, lastSequence: 101 } },
      { loss: UNMARKED, own: own({ appliedSequence: 99 }) },
      { loss: UNMARKED, own: own({ digest: digestAt(100, 7) }) },
      { loss: UNMARKED, awaited: ["a"] },
      { loss: UNMARKED, others: [other("a", 101)] },
      { loss: UNMARKED, others: [other("a", 99, { heals: 1 })] },
      {
        loss: UNMARKED,
        others: [other("a", 100, { digest: digestAt(100, 7) })],
      },
    ],
  },
};

/** What keeps a replica from any step. */
const ALWAYS_WRONG: readonly Partial<HealingFacts>[] = [
  { problem: "forbidden" },
  { isPresenceOn: false },
];

Deno.test({
  name:
    "checkHealing() lets a snapshot be restored whose log was healed as this state's was, as far as that is remembered",
  permissions,
  fn: () => {
    const check = (heals: HealPoints, own_: HealPoints) =>
      checkHealing(
        { type: "restore", snapshot: stored(120, {}, heals) },
        facts({ own: own({ heals: own_ }) }),
      );
    check(often.with({ sequence: 100, digest: "" }), often);
    // What it has forgotten, the snapshot may remember.
    check(
      HealPoints.from({ count: 40, points: [{ sequence: 8, digest: "" }] }),
      often,
    );
    for (const sequence of [41, 99]) {
      assert.throws(
        () => check(often.with({ sequence, digest: "" }), often),
        HealingError,
      );
    }
  },
});

for (
  const [name, { step, right, stillRight = [], wrong }] of Object.entries(CASES)
) {
  Deno.test({
    name: `checkHealing() lets a ${name} pass only where it can lose nothing`,
    permissions,
    fn: () => {
      const with_ = (changes: Partial<HealingFacts>) =>
        facts({ ...right, ...changes });
      for (const changes of [{}, ...stillRight]) {
        checkHealing(step, with_(changes));
      }
      const { own: self = own(), loss: at = loss() } = right;
      const doubtful = [
        { own: { ...self, isForked: true } },
        { own: { ...self, isDiverged: true } },
        { own: { ...self, isWhole: false } },
        { loss: { ...at, problem: "upgrade" } },
        { loss: { ...at, type: "other_log" as const } },
      ];
      for (const changes of [...wrong, ...ALWAYS_WRONG, ...doubtful]) {
        assert.throws(
          () => checkHealing(step, with_(changes)),
          HealingError,
          JSON.stringify(changes),
        );
      }
    },
  });
}
