import assert from "node:assert/strict";
import {
  type Fed,
  guardOf,
  isUnmet,
} from "../../../src/log/jetstream/guard.ts";

const permissions = "none";

function feed(others: Partial<Fed> = {}): Fed {
  return {
    fed: 7,
    last: undefined,
    lastSequence: 7,
    own: { last: undefined },
    ...others,
  };
}

const FIRST = { attempts: 1, guard: undefined, end: 0 };

Deno.test(
  "guardOf() names the replica's own last entry, else the last of all with its time",
  { permissions },
  () => {
    const own = { last: { sequence: 3, version: 1 } } as const;
    assert.deepEqual(guardOf(FIRST, feed({ own })), { lastOwn: own.last });
    assert.deepEqual(guardOf(FIRST, feed()), { after: 7 });
    const time = "2026-11-26T01:02:03.000000004Z";
    const last = { sequence: 7, time };
    assert.deepEqual(guardOf(FIRST, feed({ last })), {
      after: 7,
      afterTime: time,
    });
    // It is not the entry that is named.
    const before = { sequence: 6, time };
    assert.deepEqual(guardOf(FIRST, feed({ last: before })), { after: 7 });
  },
);

Deno.test(
  "guardOf() names one entry in every attempt, until the log is seen to go beyond it",
  { permissions },
  () => {
    // An own entry was named, and a look has shown that nothing is lost.
    const own = { lastOwn: { sequence: 3, version: 1 } } as const;
    const second = { attempts: 2, guard: own, end: 9 };
    assert.deepEqual(guardOf(second, feed()), { after: 9 });
    assert.deepEqual(guardOf(second, feed({ lastSequence: 12 })), {
      after: 12,
    });
    const third = { attempts: 3, guard: { after: 9 }, end: 9 };
    assert.deepEqual(guardOf(third, feed()), { after: 9 });
    assert.equal(guardOf(third, feed({ lastSequence: 10 })), undefined);
    assert.equal(guardOf({ ...third, end: 10 }, feed()), undefined);
    // What asked for nothing once asks for nothing any more.
    const fourth = { attempts: 4, guard: undefined, end: 10 };
    assert.equal(guardOf(fourth, feed()), undefined);
  },
);

Deno.test("isUnmet() tells that an entry was missing from other refusals", {
  permissions,
}, () => {
  assert.ok(isUnmet("wrong last sequence: 9"));
  assert.ok(!isUnmet("maximum bytes exceeded"));
});
