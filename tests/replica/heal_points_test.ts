import assert from "node:assert/strict";
import { HEAL_POINTS_MAX, HealPoints } from "../../src/replica/heal_points.ts";
import { digestAt, healsAt } from "./healing_facts.ts";

const permissions = "none";

Deno.test({
  name: "HealPoints keeps the newest, and counts all",
  permissions,
  fn: () => {
    assert.equal(HealPoints.NONE.count, 0);
    assert.equal(HealPoints.NONE.last, undefined);
    assert.equal(HealPoints.NONE.data, undefined);
    const sequences = Array.from({ length: 40 }, (_, i) => 10 * i + 10);
    const heals = healsAt(...sequences);
    assert.equal(heals.count, 40);
    assert.equal(heals.points.length, HEAL_POINTS_MAX);
    assert.deepEqual(heals.last, { sequence: 400, digest: digestAt(400) });
    assert.ok(heals.knows({ sequence: 90, digest: digestAt(90) }));
    assert.ok(!heals.knows({ sequence: 90, digest: digestAt(91) }));
    assert.ok(!heals.knows({ sequence: 80, digest: digestAt(80) }));
    assert.ok(heals.isTooOldToKnow(80));
    assert.ok(!heals.isTooOldToKnow(90));
    assert.ok(!healsAt(90).isTooOldToKnow(80));
    assert.deepEqual(HealPoints.from(heals.data), heals);
  },
});

Deno.test({
  name:
    "HealPoints.from() takes what a snapshot says, at most as many as it keeps",
  permissions,
  fn: () => {
    assert.equal(HealPoints.from(undefined), HealPoints.NONE);
    const points = Array.from({ length: 50 }, (_, i) => ({
      sequence: i,
      digest: digestAt(i),
    }));
    const heals = HealPoints.from({ count: 99, points });
    assert.equal(heals.count, 99);
    assert.equal(heals.points.length, HEAL_POINTS_MAX);
    assert.equal(heals.last?.sequence, 49);
    const none = HealPoints.from({ count: 3, points: [] });
    assert.ok(!none.isTooOldToKnow(1));
  },
});
