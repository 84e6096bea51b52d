import assert from "node:assert/strict";
import { LogFailedError } from "../../src/log/log.ts";
import { Backlog, BACKLOG_DELIVERIES_MAX } from "../../src/replica/backlog.ts";

const permissions = "none";

function entry(sequence: number) {
  return { sequence, time: "2026-01-01T00:00:00Z" };
}

Deno.test({
  name:
    "Backlog gives entries in order, and tells the log of each delivery at its last",
  permissions,
  fn: () => {
    const backlog = new Backlog();
    const taken: string[] = [];
    backlog.push([entry(1), entry(2)], () => taken.push("first"));
    backlog.push([], () => taken.push("empty"));
    backlog.push([entry(3)], () => taken.push("last"));
    const seen: unknown[] = [];
    for (let next; (next = backlog.next) !== undefined; backlog.advance()) {
      seen.push([next.sequence, ...taken]);
    }
    assert.deepEqual(seen, [[1, "empty"], [2, "empty"], [3, "empty", "first"]]);
    assert.deepEqual(taken, ["empty", "first", "last"]);
  },
});

Deno.test({
  name: "Backlog takes no more deliveries than the log's window",
  permissions,
  fn: () => {
    const backlog = new Backlog();
    for (let i = 1; i <= BACKLOG_DELIVERIES_MAX; i++) {
      backlog.push([entry(i)], () => {});
    }
    assert.throws(() => backlog.push([entry(99)], () => {}), LogFailedError);
    backlog.advance();
    backlog.push([entry(99)], () => {});
  },
});
