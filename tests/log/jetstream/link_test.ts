import assert from "node:assert/strict";
import { Link, RETRY_MS } from "../../../src/log/jetstream/link.ts";

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
    assert.ok(link.disconnected(1, 20_000));
    assert.equal(link.tick(20_000 + RETRY_MS - 1), undefined);
    assert.equal(link.tick(20_000 + RETRY_MS), 2);
    assert.ok(link.disconnected(2, 30_000));
    assert.equal(link.tick(30_000 + RETRY_MS), 3);
  },
});

Deno.test({
  name: "Link does not mind late news of an earlier attempt",
  permissions,
  fn: () => {
    const link = new Link();
    link.tick(0);
    link.disconnected(1, 0);
    assert.ok(!link.connected(1));
    link.tick(RETRY_MS);
    assert.ok(!link.connected(1));
    assert.ok(!link.disconnected(1, 1_000));
    assert.ok(link.connected(2));
    assert.ok(!link.connected(2));
  },
});
