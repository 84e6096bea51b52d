import assert from "node:assert/strict";
import { REFUSAL_STANDS_MS } from "../../../src/log/jetstream/proposal.ts";
import {
  Proposals,
  RETRY_AFTER_MS,
} from "../../../src/log/jetstream/proposals.ts";
import { NotStoredError, OutcomeUnknownError } from "../../../src/log/log.ts";

const permissions = "none";
const TIMEOUT_MS = 5_000;

function add(proposals: Proposals, batch: number, now_ms = 0) {
  return proposals.add(batch, new Uint8Array(1), 1, now_ms).ended;
}

Deno.test({
  name: "Proposals commits a batch once",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const ended = add(proposals, 1);
    assert.ok(proposals.commit(1));
    assert.ok(!proposals.commit(1));
    await ended;
  },
});

Deno.test({
  name:
    "Proposals publishes again what has not come back, no sooner, and not past its deadline",
  permissions,
  fn: () => {
    const proposals = new Proposals(TIMEOUT_MS);
    add(proposals, 1).catch(() => {});
    assert.deepEqual(proposals.retry(RETRY_AFTER_MS - 1), []);
    const [again] = proposals.retry(RETRY_AFTER_MS);
    assert.equal(again.batch, 1);
    assert.deepEqual(proposals.retry(RETRY_AFTER_MS + 1), []);
    assert.equal(proposals.retry(TIMEOUT_MS - 1, 0).length, 1);
    // A machine that slept finds itself here, before anything expires.
    assert.deepEqual(proposals.retry(TIMEOUT_MS, 0), []);
  },
});

Deno.test({
  name:
    "Proposals believes a refusal once all of the log is fed without the batch, and some time has passed",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const ended = add(proposals, 1);
    let isOver = false;
    ended.catch(() => isOver = true);
    const settle = async (fed: number, now_ms: number) => {
      proposals.settle(fed, now_ms);
      await Promise.resolve().then(() => {}).then(() => {});
      return isOver;
    };
    assert.ok(proposals.refused(1, "full", 100));
    assert.ok(!proposals.refused(1, "fuller", 100));
    assert.deepEqual(proposals.retry(RETRY_AFTER_MS), []);
    // A look from before shows nothing.
    proposals.sawEnd(99, 0);
    assert.ok(!await settle(9, 100 + REFUSAL_STANDS_MS));
    proposals.sawEnd(100, 9);
    assert.ok(!await settle(8, 100 + REFUSAL_STANDS_MS));
    assert.ok(!await settle(9, 99 + REFUSAL_STANDS_MS));
    assert.ok(await settle(9, 100 + REFUSAL_STANDS_MS));
    await assert.rejects(ended, (error) => {
      assert.ok(error instanceof NotStoredError);
      assert.equal(error.message, "full");
      return true;
    });
  },
});

Deno.test({
  name:
    "Proposals commits a batch that was said to be refused and comes all the same",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const ended = add(proposals, 1);
    proposals.refused(1, "forged", 0);
    assert.ok(proposals.commit(1));
    proposals.sawEnd(0, 1);
    proposals.settle(1, REFUSAL_STANDS_MS);
    await ended;
  },
});

Deno.test({
  name:
    "Proposals waits on when a batch is refused that was published again: the first attempt may be stored",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const ended = add(proposals, 1);
    proposals.retry(RETRY_AFTER_MS);
    assert.ok(!proposals.refused(1, "duplicate message id is in process", 0));
    proposals.deny(1, "too large");
    proposals.sawEnd(RETRY_AFTER_MS, 0);
    proposals.settle(0, TIMEOUT_MS - 1);
    proposals.expire(TIMEOUT_MS - 1);
    proposals.expire(TIMEOUT_MS);
    await assert.rejects(ended, OutcomeUnknownError);
  },
});

Deno.test({
  name: "Proposals ends at once, as not stored, what was never sent",
  permissions,
  fn: async () => {
    const proposals = new Proposals(TIMEOUT_MS);
    const [first, second] = [add(proposals, 1), add(proposals, 2)];
    proposals.deny(1, "too large");
    await assert.rejects(first, NotStoredError);
    proposals.denyAll(2, "no deletions");
    proposals.denyAll(1, "not allowed");
    await assert.rejects(second, /not allowed/);
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
    await assert.rejects(first, /within 5000 ms: its outcome is unknown/);
    assert.ok(proposals.commit(2));
    await second;
    const third = add(proposals, 3);
    proposals.abandon("closed");
    await assert.rejects(third, (error) => {
      assert.ok(error instanceof OutcomeUnknownError);
      assert.match(error.message, /closed: the outcome is unknown/);
      return true;
    });
    assert.deepEqual(proposals.retry(10_000), []);
  },
});
