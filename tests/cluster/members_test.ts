import assert from "node:assert/strict";
import {
  FORGOTTEN_AFTER_MS,
  GONE_AFTER_MS,
  Members,
  MEMBERS_MAX,
} from "../../src/cluster/members.ts";
import { heartbeat } from "./heartbeats.ts";

function seen(members: Members, now_ms: number): string[] {
  return members.list(now_ms).map(({ heartbeat, isGone }) =>
    heartbeat.replica_id + (isGone ? " gone" : "")
  );
}

Deno.test(
  "a silent replica is gone, then forgotten, and back at its next heartbeat",
  {
    permissions: "none",
  },
  () => {
    const members = new Members();
    members.hear(heartbeat("b"), 0);
    members.hear(heartbeat("a"), 1);
    assert.deepEqual(seen(members, GONE_AFTER_MS), ["a", "b"]);
    assert.deepEqual(seen(members, GONE_AFTER_MS + 1), ["a", "b gone"]);
    assert.deepEqual(seen(members, FORGOTTEN_AFTER_MS), ["a gone", "b gone"]);
    members.hear(heartbeat("a"), FORGOTTEN_AFTER_MS);
    assert.deepEqual(seen(members, FORGOTTEN_AFTER_MS + 1), ["a"]);
    members.hear(heartbeat("b"), FORGOTTEN_AFTER_MS + 2);
    assert.deepEqual(seen(members, FORGOTTEN_AFTER_MS + 2), ["a", "b"]);
  },
);

Deno.test(
  "who is there is told by who was heard when anyone was, for as long as a dead connection may look alive",
  {
    permissions: "none",
  },
  () => {
    const members = new Members();
    assert.deepEqual(members.present(0), []);
    members.hear(heartbeat("long gone"), 0);
    members.hear(heartbeat("a"), 90_000);
    members.hear(heartbeat("leaves", { state: "draining" }), 100_000);
    members.hear(heartbeat("b"), 100_000);
    assert.deepEqual(members.present(100_000), ["a", "b"]);
    // The connection may be dead since then.
    assert.deepEqual(members.present(115_000), ["a", "b"]);
    assert.deepEqual(members.present(115_001), ["b"]);
    assert.deepEqual(members.present(125_000), ["b"]);
    assert.deepEqual(members.present(125_001), []);
  },
);

Deno.test(
  "no more replicas are remembered than the limit, and a gone replica makes room",
  {
    permissions: "none",
  },
  () => {
    const members = new Members();
    for (let i = 0; i < MEMBERS_MAX; i++) {
      assert.ok(members.hear(heartbeat(`r${i}`), i));
    }
    assert.ok(!members.hear(heartbeat("more"), MEMBERS_MAX));
    assert.ok(members.hear(heartbeat("r0"), MEMBERS_MAX));
    // `r1` is the first that is silent for so long.
    const now_ms = GONE_AFTER_MS + 2;
    assert.ok(members.hear(heartbeat("more"), now_ms));
    assert.ok(!members.hear(heartbeat("yet another"), now_ms));
    const ids = seen(members, now_ms);
    assert.equal(ids.length, MEMBERS_MAX);
    assert.ok(ids.includes("more") && ids.includes("r0"));
    assert.ok(!ids.some((id) => id.startsWith("r1 ") || id === "r1"));
  },
);
