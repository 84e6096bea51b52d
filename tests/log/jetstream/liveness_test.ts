import assert from "node:assert/strict";
import {
  Liveness,
  LOOK_MS,
  PROGRESS_MAX_MS,
  SILENCE_MAX_MS,
} from "../../../src/log/jetstream/liveness.ts";

function test(name: string, fn: () => void): void {
  Deno.test({ name: `Liveness ${name}`, permissions: "none", fn });
}

test("is silent when nothing was heard for too long", () => {
  const liveness = new Liveness(0, 0);
  assert.ok(!liveness.isSilent(SILENCE_MAX_MS));
  assert.ok(liveness.isSilent(SILENCE_MAX_MS + 1));
  liveness.heard(SILENCE_MAX_MS);
  assert.ok(!liveness.isSilent(2 * SILENCE_MAX_MS));
});

test("is stuck when the stream has more, nothing comes, and nothing waits to be taken", () => {
  const liveness = new Liveness(7, 0);
  assert.ok(!liveness.isStuck(7, false, 1e6), "the stream has no more");
  liveness.saw(9, 1e6);
  assert.ok(!liveness.isStuck(7, false, 1e6 + PROGRESS_MAX_MS));
  assert.ok(liveness.isStuck(7, false, 1e6 + PROGRESS_MAX_MS + 1));
  assert.ok(!liveness.isStuck(7, true, 1e6 + PROGRESS_MAX_MS + 1), "held back");
  assert.ok(!liveness.isStuck(7, false, 1e6 + 2 * PROGRESS_MAX_MS + 1));
  assert.ok(!liveness.isStuck(8, false, 1e6 + 3 * PROGRESS_MAX_MS), "progress");
  assert.ok(!liveness.isStuck(9, false, 1e9), "the end");
});

test("stays stuck when later looks find even more", () => {
  const liveness = new Liveness(7, 0);
  for (let now_ms = 0; now_ms <= PROGRESS_MAX_MS; now_ms += 500) {
    liveness.saw(8 + now_ms, now_ms);
    assert.ok(!liveness.isStuck(7, false, now_ms));
  }
  assert.ok(liveness.isStuck(7, false, PROGRESS_MAX_MS + 1));
});

test("says when a look is due, and not again soon", () => {
  const liveness = new Liveness(0, 0);
  assert.ok(!liveness.isLookDue(LOOK_MS - 1));
  assert.ok(liveness.isLookDue(LOOK_MS));
  assert.ok(!liveness.isLookDue(2 * LOOK_MS - 1));
  assert.ok(liveness.isLookDue(2 * LOOK_MS));
});
