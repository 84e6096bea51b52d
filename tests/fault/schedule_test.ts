import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Fault,
  FAULT_MS,
  HEAL_KINDS,
  MOMENTS,
  PLAIN_KINDS,
  SNAPSHOT_KINDS,
  STEP_DOWN_KINDS,
  targetsOf,
} from "./faults.ts";
import { HEAL_STEPS } from "./heal_steps.ts";
import { makeSchedule, type Plan } from "./schedule.ts";

const PLAIN: Plan = {
  replicas: 3,
  servers: 1,
  snapshots: false,
  losses: false,
};
const SNAPSHOTS: Plan = { ...PLAIN, servers: 3, snapshots: true };
const LOSSES: Plan = { ...PLAIN, losses: true };

/** How long a schedule must be to have all kinds, and what these are. */
const CASES = [
  { plan: PLAIN, duration_ms: 40_000, kinds: PLAIN_KINDS },
  {
    plan: SNAPSHOTS,
    duration_ms: 180_000,
    kinds: [...PLAIN_KINDS, ...STEP_DOWN_KINDS, ...SNAPSHOT_KINDS],
  },
  {
    plan: LOSSES,
    duration_ms: 300_000,
    kinds: [...PLAIN_KINDS, ...HEAL_KINDS],
  },
];

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

Deno.test({
  name:
    "makeSchedule() gives the same faults for the same seed, and others for another",
  permissions: "none",
  fn: () => {
    for (const { plan } of CASES) {
      const [a, b, other] = [7, 7, 8].map((seed) =>
        makeSchedule(seed, 60_000, plan)
      );
      assert.deepEqual(a, b);
      assert.notDeepEqual(a, other);
    }
  },
});

Deno.test({
  name:
    "makeSchedule() has every kind of fault in time, in order, and each ends in time",
  permissions: "none",
  fn: () => {
    fc.assert(fc.property(seeds, fc.constantFrom(...CASES), (seed, one) => {
      const { plan, duration_ms, kinds } = one;
      const faults = makeSchedule(seed, duration_ms, plan);
      assert.deepEqual(new Set(faults.map(({ kind }) => kind)), new Set(kinds));
      for (const warm of [true, false]) {
        assert.ok(
          faults.some((one) =>
            /^replica_(kill|term)$/.test(one.kind) && one.warm === warm
          ),
        );
      }
      let before_ms = 0;
      for (const { kind, at_ms, for_ms, replica, server } of faults) {
        assert.ok(at_ms >= before_ms);
        assert.ok(at_ms + for_ms <= duration_ms);
        const [min, max] = FAULT_MS[kind];
        assert.ok(for_ms >= min && for_ms <= max);
        assert.ok(replica === undefined || replica < plan.replicas);
        assert.ok(server === "leader" || server < plan.servers);
        before_ms = at_ms;
      }
    }));
  },
});

Deno.test({
  name:
    "makeSchedule() strikes replicas and brokers at every moment of a snapshot",
  permissions: "none",
  fn: () => {
    fc.assert(fc.property(seeds, (seed) => {
      const faults = makeSchedule(seed, 180_000, SNAPSHOTS);
      for (const kind of ["replica_strike", "broker_strike"]) {
        const moments = faults.filter((one) => one.kind === kind)
          .map(({ moment }) => moment);
        assert.deepEqual(new Set(moments), new Set(MOMENTS));
      }
    }));
  },
});

Deno.test({
  name: "makeSchedule() strikes at every step of a healing",
  permissions: "none",
  fn: () => {
    fc.assert(fc.property(seeds, (seed) => {
      const faults = makeSchedule(seed, 300_000, LOSSES);
      for (
        const kind of ["healer_strike", "healed_broker_strike", "loss_again"]
      ) {
        const steps = faults.filter((one) => one.kind === kind)
          .map(({ step }) => step);
        assert.deepEqual(new Set(steps), new Set(HEAL_STEPS));
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
    const share = (a: Fault, b: Fault, replicas: number) =>
      targetsOf(a, replicas).some((target) =>
        targetsOf(b, replicas).includes(target)
      );
    fc.assert(
      fc.property(seeds, fc.constantFrom(...CASES), (seed, { plan }) => {
        const faults = makeSchedule(seed, 40_000, plan);
        for (const [i, a] of faults.entries()) {
          for (const b of faults.slice(i + 1)) {
            const overlap = b.at_ms <= a.at_ms + a.for_ms;
            if (overlap) overlaps++;
            assert.ok(!overlap || !share(a, b, plan.replicas));
          }
        }
      }),
    );
    assert.ok(overlaps > 0);
  },
});
