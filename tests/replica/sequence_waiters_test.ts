import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  SequenceNotReachedError,
  SequenceWaiters,
  WAITERS_MAX,
} from "../../src/replica/sequence_waiters.ts";

const permissions = "none";

Deno.test({
  name:
    "SequenceWaiters lets go of those who wait for what is reached, and no others",
  permissions,
  fn: async () => {
    const waiters = new SequenceWaiters();
    const done: number[] = [];
    for (const sequence of [5, 3, 4, 3]) {
      waiters.wait(sequence, 100).then(() => done.push(sequence));
    }
    waiters.reached(2);
    await Promise.resolve();
    assert.deepEqual(done, []);
    waiters.reached(4);
    await sleep(0);
    assert.deepEqual(done, [3, 4, 3]);
    waiters.reached(9);
    await sleep(0);
    assert.deepEqual(done, [3, 4, 3, 5]);
  },
});

Deno.test({
  name: "SequenceWaiters sends those away whose time is over",
  permissions,
  fn: async () => {
    const waiters = new SequenceWaiters();
    const early = waiters.wait(5, 100);
    const late = waiters.wait(5, 200);
    waiters.expire(100);
    await assert.rejects(early, SequenceNotReachedError);
    waiters.reached(5);
    await late;
  },
});

Deno.test({
  name: "SequenceWaiters bounds how many wait",
  permissions,
  fn: () => {
    const waiters = new SequenceWaiters();
    for (let i = 0; i < WAITERS_MAX; i++) waiters.wait(1, 1);
    assert.throws(() => waiters.wait(1, 1), SequenceNotReachedError);
    waiters.reached(1);
    waiters.wait(2, 1);
  },
});
