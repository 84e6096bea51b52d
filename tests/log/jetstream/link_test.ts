import assert from "node:assert/strict";
import { HEARING_MS } from "../../../src/cluster/hearing.ts";
import {
  Link,
  RETRY_MS,
  TICK_MS,
  UNANSWERED_RETRY_MS,
} from "../../../src/log/jetstream/link.ts";

const permissions = "none";

Deno.test({
  name: "Link connects at once, and again some time after each loss",
  permissions,
  fn: () => {
    const link = new Link();
    assert.equal(link.tick(0), 1);
    assert.equal(link.tick(10_000), undefined);
    assert.ok(!link.isUp);
    assert.ok(link.connected(1));
    assert.ok(link.isUp);
    assert.equal(link.tick(20_000), undefined);
    assert.ok(link.disconnected(1, false, 20_000));
    assert.equal(link.tick(20_000 + UNANSWERED_RETRY_MS - 1), undefined);
    assert.equal(link.tick(20_000 + UNANSWERED_RETRY_MS), 2);
    assert.ok(link.disconnected(2, false, 30_000));
    assert.equal(link.tick(30_000 + UNANSWERED_RETRY_MS), 3);
  },
});

Deno.test({
  name: "Link leaves a server that has refused it in peace for longer",
  permissions,
  fn: () => {
    const link = new Link();
    link.tick(0);
    assert.ok(link.disconnected(1, true, 1_000));
    assert.equal(link.tick(1_000 + RETRY_MS - 1), undefined);
    assert.equal(link.tick(1_000 + RETRY_MS), 2);
  },
});

Deno.test({
  name:
    "Link is up again, where a broker is back, before a replica that has just started goes on",
  permissions,
  fn: () => {
    for (let back_ms = 0; back_ms < 2_000; back_ms++) {
      const link = new Link();
      let now_ms = 0;
      for (; !link.isUp; now_ms += TICK_MS) {
        const attempt = link.tick(now_ms);
        if (attempt === undefined) continue;
        if (now_ms >= back_ms) link.connected(attempt);
        // The refusal comes as late as that of a server beside it can.
        else link.disconnected(attempt, false, now_ms + TICK_MS / 10);
      }
      const isUp_ms = now_ms - TICK_MS;
      // Half of the time is left for its heartbeat.
      assert.ok(isUp_ms - back_ms <= HEARING_MS / 2, `${back_ms}`);
    }
  },
});

Deno.test({
  name: "Link does not mind late news of an earlier attempt",
  permissions,
  fn: () => {
    const link = new Link();
    link.tick(0);
    link.disconnected(1, true, 0);
    assert.ok(!link.connected(1));
    link.tick(RETRY_MS);
    assert.ok(!link.connected(1));
    assert.ok(!link.disconnected(1, true, 1_000));
    assert.ok(link.connected(2));
    assert.ok(!link.connected(2));
  },
});
