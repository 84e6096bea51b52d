import assert from "node:assert/strict";
import {
  BLIND_RETRY_MS,
  CommitHealth,
  PROBE_MS,
  STALL_AFTER_MS,
} from "../../../src/log/jetstream/commit_health.ts";

function test(name: string, fn: () => void): void {
  Deno.test({ name: `CommitHealth ${name}`, permissions: "none", fn });
}

test("stalls when a set has waited for too long, says so once, and then probes now and then", () => {
  const health = new CommitHealth();
  health.proposed(1_000);
  health.proposed(2_000);
  assert.equal(health.tick(1_000 + STALL_AFTER_MS - 1), undefined);
  assert.equal(health.tick(1_000 + STALL_AFTER_MS), "stall");
  assert.ok(health.isStalled);
  assert.match(health.reason, /for 3 s: the stream does not confirm/);
  assert.equal(health.tick(1_000 + STALL_AFTER_MS), "probe");
  assert.equal(health.tick(1_000 + STALL_AFTER_MS + PROBE_MS - 1), undefined);
  assert.equal(health.tick(1_000 + STALL_AFTER_MS + PROBE_MS), "probe");
});

test("gives the log's reason for refusals", () => {
  const health = new CommitHealth();
  health.refused("maximum messages exceeded", 0);
  assert.equal(health.tick(STALL_AFTER_MS), "stall");
  assert.match(health.reason, /maximum messages exceeded$/);
});

test("is fine after a commit, and while nothing is proposed", () => {
  const health = new CommitHealth();
  assert.equal(health.tick(1e9), undefined);
  health.refused("full", 0);
  health.clear();
  assert.equal(health.tick(STALL_AFTER_MS), undefined);
  health.proposed(STALL_AFTER_MS);
  assert.equal(health.tick(2 * STALL_AFTER_MS), "stall");
  assert.doesNotMatch(health.reason, /full$/);
});

test("lets clients try after a while", () => {
  const health = new CommitHealth();
  assert.ok(!health.isBlindRetryDue(1e9));
  health.proposed(0);
  health.tick(STALL_AFTER_MS);
  assert.ok(!health.isBlindRetryDue(STALL_AFTER_MS + BLIND_RETRY_MS - 1));
  assert.ok(health.isBlindRetryDue(STALL_AFTER_MS + BLIND_RETRY_MS));
});
