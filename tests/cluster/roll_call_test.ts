import assert from "node:assert/strict";
import * as fc from "fast-check";
import { GONE_AFTER_MS } from "../../src/cluster/members.ts";
import { RETURN_MS, RollCall } from "../../src/cluster/roll_call.ts";
import { HEARING_MS } from "../../src/cluster/hearing.ts";

const permissions = "none";

Deno.test(
  "who was there before is awaited until heard over the new connection",
  { permissions },
  () => {
    const roll = new RollCall();
    roll.joined([], 0);
    roll.left(["b", "a"], 0);
    // Whatever was still on its way over the old connection counts no more.
    roll.heard("a");
    assert.deepEqual(roll.awaited(1e9), ["a", "b"]);
    assert.ok(!roll.isOver(1e9));
    roll.joined([], 2e9);
    roll.heard("a");
    assert.deepEqual(roll.awaited(2e9), ["b"]);
    assert.ok(!roll.isOver(2e9 + HEARING_MS));
    roll.heard("b");
    assert.ok(roll.isOver(2e9));
  },
);

Deno.test(
  "where nobody was there, all get the time to answer",
  { permissions },
  () => {
    const roll = new RollCall();
    assert.ok(!roll.isOver(1e9));
    roll.joined([], 1_000);
    assert.ok(!roll.isOver(1_000 + HEARING_MS - 1));
    assert.ok(roll.isOver(1_000 + HEARING_MS));
    // More time for those that were known once.
    roll.heard("a");
    roll.left([], 100_000);
    roll.joined([], 100_000);
    assert.ok(!roll.isOver(100_000 + RETURN_MS - 1));
    assert.ok(roll.isOver(100_000 + RETURN_MS));
  },
);

Deno.test(
  "who stays silent is given up a while after the return, and not awaited at the next loss",
  {
    permissions,
  },
  () => {
    const roll = new RollCall();
    roll.joined([], 0);
    roll.left(["a"], 0);
    roll.joined([], 5_000);
    assert.deepEqual(roll.awaited(5_000 + GONE_AFTER_MS), ["a"]);
    assert.ok(!roll.isOver(5_000 + GONE_AFTER_MS));
    assert.ok(roll.isOver(5_000 + GONE_AFTER_MS + 1));
    // Nobody asked for them meanwhile.
    roll.left(["b"], 6_000);
    roll.joined([], 7_000);
    roll.left([], 8_000 + GONE_AFTER_MS);
    assert.deepEqual(roll.awaited(8_000 + GONE_AFTER_MS), []);
  },
);

Deno.test("connections that are lost one after the other give nobody up", {
  permissions,
}, () => {
  const roll = new RollCall();
  roll.joined([], 0);
  roll.left(["a"], 0);
  for (let now_ms = 0; now_ms < 10 * GONE_AFTER_MS; now_ms += 1_000) {
    roll.joined([], now_ms);
    assert.deepEqual(roll.awaited(now_ms + 500), ["a"]);
    roll.left([], now_ms + 500);
  }
  // A loss that was not told.
  roll.joined([], 1e9);
  roll.heard("b");
  roll.joined(["b"], 1e9 + 1);
  assert.deepEqual(roll.awaited(1e9 + 1), ["a", "b"]);
});

Deno.test(
  "one hearing for a connection needs no question, each later one does",
  {
    permissions,
  },
  () => {
    const roll = new RollCall();
    assert.ok(!roll.begin(["a"], 0));
    roll.joined([], 0);
    roll.left(["a"], 0);
    roll.joined([], 100);
    roll.heard("a");
    assert.ok(!roll.begin(["a", "b"], 200));
    assert.ok(roll.isOver(200));
    assert.ok(roll.begin(["a", "b"], 300));
    assert.deepEqual(roll.awaited(300), ["a", "b"]);
    assert.equal(roll.connected_ms, 100);
    // They have their time from then on.
    assert.deepEqual(roll.awaited(300 + GONE_AFTER_MS), ["a", "b"]);
    assert.deepEqual(roll.awaited(301 + GONE_AFTER_MS), []);
  },
);

Deno.test(
  "a hearing is over exactly if all that were there are heard since, or had ten seconds",
  { permissions },
  () => {
    const ids = fc.subarray(["a", "b", "c"]);
    fc.assert(fc.property(
      ids,
      ids,
      fc.integer({ min: 0, max: 2 * GONE_AFTER_MS }),
      (present, heard, age_ms) => {
        const roll = new RollCall();
        roll.joined([], 0);
        roll.left(present, 0);
        roll.joined([], 1_000);
        for (const id of heard) roll.heard(id);
        const isMissing = present.some((id) => !heard.includes(id));
        assert.equal(
          roll.isOver(1_000 + age_ms),
          age_ms > GONE_AFTER_MS ||
            (present.length > 0 ? !isMissing : age_ms >= HEARING_MS),
        );
      },
    ));
  },
);
