import assert from "node:assert/strict";
import { SpareWorker } from "../../../src/snapshot/format/spare_worker.ts";
import { eventually } from "../../support/eventually.ts";

/** Answers each message with how many it got, and dies of null. */
const COUNTS = new URL(URL.createObjectURL(
  new Blob([`
let count = 0;
self.onmessage = ({ data }) => self.postMessage([data.length, ++count][1]);
`], { type: "text/javascript" }),
));

async function ask(worker: Worker): Promise<number> {
  return await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage("?");
  });
}

Deno.test("SpareWorker gives a worker out again that was given back, to one at a time", async () => {
  const workers = new SpareWorker(COUNTS);
  const one = workers.take();
  assert.equal(await ask(one), 1);
  workers.giveBack(one);
  const again = workers.take();
  const other = workers.take();
  assert.equal(await ask(again), 2);
  assert.equal(await ask(other), 1);
  again.terminate();
  other.terminate();
});

Deno.test("SpareWorker keeps one worker", async () => {
  const workers = new SpareWorker(COUNTS);
  const [one, other] = [workers.take(), workers.take()];
  await ask(one);
  workers.giveBack(one);
  workers.giveBack(other);
  const kept = workers.take();
  assert.equal(await ask(kept), 2);
  const fresh = workers.take();
  assert.equal(await ask(fresh), 1);
  kept.terminate();
  fresh.terminate();
});

Deno.test("SpareWorker gives out no worker that has died meanwhile, and ends one that is not taken in time", async () => {
  for (
    const [kept_ms, end] of [
      [1e6, (worker: Worker) => worker.postMessage(null)],
      [1, () => {}],
    ] as const
  ) {
    const workers = new SpareWorker(COUNTS, kept_ms);
    const one = workers.take();
    await ask(one);
    workers.giveBack(one);
    end(one);
    await eventually(async () => {
      const next = workers.take();
      if (next === one) workers.giveBack(next);
      assert.notEqual(next, one);
      assert.equal(await ask(next), 1);
      next.terminate();
    });
  }
});
