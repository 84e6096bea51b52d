import assert from "node:assert/strict";
import fc from "fast-check";
import { FAULT_KINDS, FAULT_MS, makeSchedule, targetOf } from "./schedule.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

Deno.test({
  name:
    "makeSchedule() gives the same faults for the same seed, and others for another",
  permissions: "none",
  fn: () => {
    assert.deepEqual(makeSchedule(7, 60_000, 3), makeSchedule(7, 60_000, 3));
    assert.notDeepEqual(makeSchedule(7, 60_000, 3), makeSchedule(8, 60_000, 3));
  },
});

Deno.test({
  name:
    "makeSchedule() has every kind of fault within 40 s, in order, and each ends in time",
  permissions: "none",
  fn: () => {
    fc.assert(fc.property(seeds, (seed) => {
      const faults = makeSchedule(seed, 40_000, 3);
      const kinds = new Set(faults.map(({ kind }) => kind));
      assert.equal(kinds.size, FAULT_KINDS.length);
      for (const warm of [true, false]) {
        assert.ok(
          faults.some((one) =>
            /^replica_(kill|term)$/.test(one.kind) && one.warm === warm
          ),
        );
      }
      let before_ms = 0;
      for (const { kind, at_ms, for_ms, replica } of faults) {
        assert.ok(at_ms >= before_ms);
        assert.ok(at_ms + for_ms <= 40_000);
        const [min, max] = FAULT_MS[kind];
        assert.ok(for_ms >= min && for_ms <= max);
        assert.equal(replica === undefined, kind.startsWith("broker_"));
        assert.ok(replica === undefined || replica < 3);
        before_ms = at_ms;
      }
    }));
  },
});

Deno.test({
  name:
    "makeSchedule() gives a target one fault at a time, and different targets several",
  permissions: "none",
  fn: () => {
    let overlaps = 0;
    fc.assert(fc.property(seeds, (seed) => {
      const faults = makeSchedule(seed, 40_000, 3);
      for (const [i, a] of faults.entries()) {
        for (const b of faults.slice(i + 1)) {
          const overlap = b.at_ms <= a.at_ms + a.for_ms;
          if (overlap) overlaps++;
          assert.ok(!overlap || targetOf(a) !== targetOf(b));
        }
      }
    }));
    assert.ok(overlaps > 0);
  },
});
