import assert from "node:assert/strict";
import {
  Hearing,
  HEARING_AFTER_OUTAGE_MS,
  HEARING_MS,
} from "../../src/cluster/hearing.ts";
import { HOLDERS_MAX } from "../../src/cluster/members.ts";
import type { FoundLog } from "../../src/cluster/misfit.ts";
import { heartbeat, OTHER_LOG as OTHER } from "./heartbeats.ts";

const permissions = "none";

const log: FoundLog = { id: "8f14e45fceea167a", lastSequence: 10 };

function hearingOf(...heard: ReturnType<typeof heartbeat>[]): Hearing {
  const hearing = new Hearing();
  hearing.joined(false, 0);
  for (const one of heard) hearing.heard(one);
  return hearing;
}

Deno.test(
  "a start listens over each connection anew, and longer where NATS was away",
  { permissions },
  () => {
    const hearing = new Hearing();
    assert.ok(hearing.isOn(log, 1e9), "nobody can be heard");
    assert.deepEqual([hearing.ends_ms, hearing.connections], [Infinity, 0]);
    hearing.joined(false, 100);
    assert.ok(hearing.isOn(log, 100 + HEARING_MS - 1));
    assert.ok(!hearing.isOn(log, 100 + HEARING_MS));
    hearing.joined(true, 1_000);
    assert.equal(hearing.ends_ms, 1_000 + HEARING_AFTER_OUTAGE_MS);
    assert.ok(hearing.isOn(log, hearing.ends_ms - 1));
    assert.ok(!hearing.isOn(log, hearing.ends_ms));
    assert.equal(hearing.connections, 2);
  },
);

Deno.test(
  "a start listens no longer once all that may say something have said it",
  { permissions },
  () => {
    const b = heartbeat("b", { hears: ["c"] });
    const c = heartbeat("c", { hears: ["b"] });
    const d = heartbeat("d");
    const isOn = (...heard: ReturnType<typeof heartbeat>[]) =>
      hearingOf(...heard).isOn(log, HEARING_MS - 1);
    assert.ok(!isOn(heartbeat("b", { hears: [] })));
    assert.ok(!isOn(b, c));
    assert.ok(!isOn(b, heartbeat("c", { state: "catching_up" })));
    // Nobody was heard, or nobody that may propose to this log.
    assert.ok(isOn());
    assert.ok(isOn(d));
    assert.ok(isOn(heartbeat("b", { hears: [], log_id: OTHER })));
    // Someone is still missing, whoever knows of it.
    assert.ok(isOn(b));
    assert.ok(isOn(heartbeat("e", { hears: [] }), b));
    assert.ok(isOn(b, c, heartbeat("b", { hears: ["c", "f"] })));
    // It may not propose any more.
    assert.ok(isOn(b, c, heartbeat("b"), heartbeat("c")));
    const hearing = hearingOf(b, c);
    assert.ok(hearing.isOn(undefined, 0), "there is no log");
    hearing.joined(false, 10);
    assert.ok(hearing.isOn(log, 10), "heard over another connection");
    assert.ok(!hearing.isOn(log, 10 + HEARING_MS));
  },
);

Deno.test("who has answered is bounded, and who is known can answer again", {
  permissions,
}, () => {
  const hearing = hearingOf(
    ...Array.from({ length: HOLDERS_MAX }, (_, i) => heartbeat(`r${i}`)),
    heartbeat("one_more", { hears: [] }),
  );
  assert.ok(hearing.isOn(log, 0));
  hearing.heard(heartbeat("r0", { hears: ["r1"] }));
  assert.ok(!hearing.isOn(log, 0));
});
