import assert from "node:assert/strict";
import {
  FORGOTTEN_AFTER_MS,
  GONE_AFTER_MS,
  PEERS_MAX,
  Presence,
} from "../../src/cluster/presence.ts";
import { announcement } from "./announcements.ts";

function seen(presence: Presence, now: number): string[] {
  return presence.peers(now).map(({ announcement, isGone }) =>
    announcement.replica_id + (isGone ? " gone" : "")
  );
}

Deno.test(
  "a replica that is not heard of is gone, then forgotten, and back at its next word",
  {
    permissions: "none",
  },
  () => {
    const presence = new Presence();
    presence.hear(announcement("b"), 0);
    presence.hear(announcement("a"), 1);
    assert.deepEqual(seen(presence, GONE_AFTER_MS), ["a", "b"]);
    assert.deepEqual(seen(presence, GONE_AFTER_MS + 1), ["a", "b gone"]);
    assert.deepEqual(seen(presence, FORGOTTEN_AFTER_MS), ["a gone", "b gone"]);
    presence.hear(announcement("a"), FORGOTTEN_AFTER_MS);
    assert.deepEqual(seen(presence, FORGOTTEN_AFTER_MS + 1), ["a"]);
    presence.hear(announcement("b"), FORGOTTEN_AFTER_MS + 2);
    assert.deepEqual(seen(presence, FORGOTTEN_AFTER_MS + 2), ["a", "b"]);
  },
);

Deno.test(
  "no more replicas are remembered than the bound, and one that is gone makes room",
  {
    permissions: "none",
  },
  () => {
    const presence = new Presence();
    for (let i = 0; i < PEERS_MAX; i++) {
      assert.ok(presence.hear(announcement(`r${i}`), i));
    }
    assert.ok(!presence.hear(announcement("more"), PEERS_MAX));
    assert.ok(presence.hear(announcement("r0"), PEERS_MAX));
    // `r1` is the first that was not heard of for so long.
    const now = GONE_AFTER_MS + 2;
    assert.ok(presence.hear(announcement("more"), now));
    assert.ok(!presence.hear(announcement("yet another"), now));
    const ids = seen(presence, now);
    assert.equal(ids.length, PEERS_MAX);
    assert.ok(ids.includes("more") && ids.includes("r0"));
    assert.ok(!ids.some((id) => id.startsWith("r1 ") || id === "r1"));
  },
);
