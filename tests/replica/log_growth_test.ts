import assert from "node:assert/strict";
import fc from "fast-check";
import { LogGrowth } from "../../src/replica/log_growth.ts";
import { newSeed } from "../support/random.ts";

const permissions = "none";

Deno.test({
  name: "LogGrowth counts the bytes of entries from the first one on",
  permissions,
  fn: () => {
    const growth = new LogGrowth();
    assert.equal(growth.since(0), 0);
    growth.note(1, 1, 70_000);
    growth.note(2, 3, 140_000);
    assert.equal(growth.since(0), 210_000);
    assert.equal(growth.since(1), 140_000);
    assert.equal(growth.since(3), 0);
    assert.equal(growth.since(99), 0);
  },
});

Deno.test({
  name:
    "LogGrowth is off by less than a step between two checkpoints, however much comes",
  permissions,
  fn: () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            entries: fc.integer({ min: 1, max: 300 }),
            entry_bytes: fc.integer({ min: 1, max: 40_000 }),
          }),
          { minLength: 1, maxLength: 400 },
        ),
        fc.nat({ max: 1_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (deliveries, base, place) => {
          const growth = new LogGrowth();
          const upTo = [0];
          for (const { entries, entry_bytes } of deliveries) {
            const first = base + upTo.length;
            for (let i = 0; i < entries; i++) {
              upTo.push(upTo[upTo.length - 1] + entry_bytes);
            }
            growth.note(first, first + entries - 1, entries * entry_bytes);
          }
          const total = upTo[upTo.length - 1];
          assert.equal(growth.since(base), total);
          const at = Math.floor(place * (upTo.length - 1));
          // A delivery is counted as a whole.
          const delivery_bytes = 300 * 40_000;
          const step_bytes = Math.max(64 * 1024, total / 256);
          const off = Math.abs(growth.since(base + at) - (total - upTo[at]));
          assert.ok(off <= delivery_bytes + step_bytes, `${off}`);
          // More is never left after more.
          assert.ok(growth.since(base + at) <= total);
        },
      ),
      { seed: newSeed(), numRuns: 200 },
    );
  },
});

Deno.test({
  name: "LogGrowth keeps few checkpoints and stays exact to a thousandth",
  permissions,
  fn: () => {
    const growth = new LogGrowth();
    for (let i = 1; i <= 200_000; i++) growth.note(i, i, 10_000);
    for (const sequence of [0, 777, 100_001, 199_000, 200_000]) {
      const bytes = (200_000 - sequence) * 10_000;
      assert.ok(Math.abs(growth.since(sequence) - bytes) <= 2e9 / 1_000);
    }
  },
});

Deno.test({
  name:
    "LogGrowth estimates what came before the first entry by the log's size",
  permissions,
  fn: () => {
    const growth = new LogGrowth();
    growth.noteLog({ firstSequence: 101, lastSequence: 200, bytes: 5_000 });
    assert.equal(growth.since(0), 5_000);
    assert.equal(growth.since(100), 5_000);
    assert.equal(growth.since(150), 2_500);
    assert.equal(growth.since(200), 0);
    growth.note(181, 200, 2_000);
    assert.equal(growth.since(180), 2_000);
    // 3000 bytes of 80 entries that were not counted.
    assert.equal(growth.since(160), 2_750);
    assert.equal(growth.since(0), 5_000);
    growth.noteLog({ firstSequence: 201, lastSequence: 200, bytes: 0 });
    assert.equal(growth.since(0), 2_000);
  },
});

Deno.test({
  name: "LogGrowth begins anew where the entries do",
  permissions,
  fn: () => {
    const growth = new LogGrowth();
    growth.note(1, 10, 1_000_000);
    growth.noteLog({ firstSequence: 491, lastSequence: 500, bytes: 1_000 });
    growth.note(501, 502, 300);
    assert.equal(growth.since(500), 300);
    assert.equal(growth.since(502), 0);
    assert.equal(growth.since(0), 1_300);
  },
});
