import assert from "node:assert/strict";
import { RemovedEntries } from "../../src/replica/removed_entries.ts";

Deno.test("RemovedEntries remembers the end of the log at which it saw more of them, and tells of them once", () => {
  const told: [number, number][] = [];
  const removed = new RemovedEntries((count, upTo) => told.push([count, upTo]));
  const at = (lastSequence: number, count?: number) =>
    removed.upTo({
      firstSequence: 1,
      lastSequence,
      time: undefined,
      ...(count !== undefined && { removed: count }),
    });
  assert.equal(at(10), 0);
  assert.equal(at(20, 3), 20);
  assert.equal(at(30, 3), 20);
  assert.equal(at(40, 4), 40);
  // The cut took some of them, and then all.
  assert.equal(at(50, 1), 40);
  assert.equal(at(60), 0);
  // Others, which are as many as those before.
  assert.equal(at(70, 1), 70);
  assert.deepEqual(told, [[3, 20], [4, 40], [1, 70]]);
});
