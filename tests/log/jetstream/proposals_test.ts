import assert from "node:assert/strict";
import {
  Proposals,
  RETRY_AFTER_MS,
} from "../../../src/log/jetstream/proposals.ts";
import { NotStoredError, OutcomeUnknownError } from "../../../src/log/log.ts";

const permissions = "none";
const TIMEOUT_MS = 5_000;

function add(proposals: Proposals, batch: number, now_ms = 0) {
  return proposals.add(batch, new Uint8Array(1), now_ms).ended;
}

Deno.test({
  name: "Proposals commits a batch once",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const ended = add(proposals, 1);
    assert.ok(proposals.commit(1));
    assert.ok(!proposals.commit(1));
    proposals.refuse(1, "late");
    await ended;
  },
});

Deno.test({
  name: "Proposals publishes again what has not come back, and no sooner",
  permissions,
  fn: () => {
    const proposals = new Proposals(TIMEOUT_MS);
    add(proposals, 1);
    assert.deepEqual(proposals.retry(RETRY_AFTER_MS - 1), []);
    const [again] = proposals.retry(RETRY_AFTER_MS);
    assert.equal(again.batch, 1);
    assert.deepEqual(proposals.retry(RETRY_AFTER_MS + 1), []);
    assert.equal(proposals.retry(RETRY_AFTER_MS + 1, 0).length, 1);
  },
});

Deno.test({
  name:
    "Proposals takes a refusal for an end that is certain only before the batch was published again",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const [first, second] = [add(proposals, 1), add(proposals, 2)];
    proposals.refuse(1, "full");
    await assert.rejects(first, NotStoredError);
    proposals.retry(RETRY_AFTER_MS);
    proposals.refuse(2, "full");
    await assert.rejects(second, OutcomeUnknownError);
  },
});

Deno.test({
  name:
    "Proposals ends a batch whose time is over, and all of them when asked to, as unknown",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const [first, second] = [add(proposals, 1), add(proposals, 2, 1)];
    proposals.expire(TIMEOUT_MS);
    await assert.rejects(first, /not confirm the set within 5000 ms/);
    assert.ok(proposals.commit(2));
    await second;
    const third = add(proposals, 3);
    proposals.abandon("closed");
    await assert.rejects(third, OutcomeUnknownError);
    assert.deepEqual(proposals.retry(10_000), []);
  },
});
