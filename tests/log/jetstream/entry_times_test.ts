import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDelivered } from "../../../src/log/jetstream/delivery.ts";
import {
  ENTRY_TIMES_MAX,
  EntryTimes,
} from "../../../src/log/jetstream/entry_times.ts";

const permissions = "none";

const SECONDS = 1_700_000_000;

function add(times: EntryTimes, first: number, count: number): void {
  for (let sequence = first; sequence < first + count; sequence++) {
    times.add(sequence, SECONDS + sequence, sequence % 1_000_000_000);
  }
}

function timeOf(sequence: number): string {
  return formatDelivered(SECONDS + sequence, sequence % 1_000_000_000);
}

Deno.test({
  name:
    "EntryTimes remembers the newest, however far their sequences, and none that it was not given",
  permissions,
  fn: () => {
    const cases = fc.record({
      first: fc.oneof(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 2 ** 31 - 50, max: 2 ** 32 + 50 }),
      ),
      count: fc.oneof(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: ENTRY_TIMES_MAX - 3, max: ENTRY_TIMES_MAX + 3 }),
      ),
    });
    fc.assert(
      fc.property(cases, ({ first, count }) => {
        const times = new EntryTimes();
        add(times, first, count);
        const last = first + count - 1;
        const oldest = Math.max(first, last - ENTRY_TIMES_MAX + 1);
        for (const sequence of [oldest, Math.min(last, oldest + 1), last]) {
          assert.equal(times.at(sequence), timeOf(sequence));
        }
        for (const sequence of [oldest - 1, last + 1, 0]) {
          assert.equal(times.at(sequence), undefined);
        }
      }),
      { numRuns: 30 },
    );
  },
});

Deno.test({
  name: "EntryTimes forgets all when it is cleared, and begins anywhere",
  permissions,
  fn: () => {
    const times = new EntryTimes();
    assert.equal(times.at(1), undefined);
    add(times, 1, 10);
    times.clear();
    assert.equal(times.at(10), undefined);
    add(times, 100, 2);
    assert.equal(times.at(99), undefined);
    assert.equal(times.at(10), undefined);
    assert.equal(times.at(100), timeOf(100));
  },
});
