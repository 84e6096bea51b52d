import assert from "node:assert/strict";
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import { OtherLogs } from "../../src/cluster/other_logs.ts";
import { heartbeat } from "./heartbeats.ts";

const permissions = "none";

const LOG = "8f14e45fceea167a";
const OTHER = "0123456789abcdef";

function member(id: string, others: Partial<Heartbeat>, isGone = false) {
  return { heartbeat: heartbeat(id, others), heardAgo_ms: 0, isGone };
}

Deno.test("replicas and peers of another log are listed while they are there", {
  permissions,
}, () => {
  const logs = new OtherLogs();
  logs.peerSaid("http://b", OTHER);
  logs.peerSaid("http://c", LOG);
  const members = [
    member("d", { log_id: OTHER, users: 0 }),
    member("e", { log_id: OTHER }, true),
    member("f", { log_id: null }),
    member("g", {}),
    member("h", { log_id: OTHER, state: "healing" }),
  ];
  assert.deepEqual(logs.list(LOG, members), [
    { follower: "peer http://b", logId: OTHER },
    { follower: "replica d", logId: OTHER },
  ]);
  assert.deepEqual(logs.list(undefined, members), []);
  logs.peerSaid("http://b", undefined);
  assert.deepEqual(logs.list(LOG, []), []);
});

Deno.test("each follower and log is news once, and again after it was away", {
  permissions,
}, () => {
  const logs = new OtherLogs();
  const b = { follower: "replica b", logId: OTHER };
  const c = { follower: "replica c", logId: OTHER };
  assert.deepEqual(logs.news([b]), [b]);
  assert.deepEqual(logs.news([b, c]), [c]);
  assert.deepEqual(logs.news([b, { ...c, logId: "x" }]).length, 1);
  assert.deepEqual(logs.news([]), []);
  assert.deepEqual(logs.news([b]), [b]);
});
