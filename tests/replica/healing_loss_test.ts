import assert from "node:assert/strict";
import type { LogStatus } from "../../src/log/log.ts";
import { LossWatch } from "../../src/replica/healing_loss.ts";
import { FENCED, GONE, loss, UNMARKED } from "./healing_facts.ts";

const permissions = "none";

function status(
  state: LogStatus["state"],
  lost?: LogStatus["loss"],
): LogStatus {
  return { state, reason: "", ...(lost && { loss: lost }) };
}

Deno.test({
  name:
    "LossWatch counts from when a loss was seen first, whatever it becomes, and anew after the log was whole or out of sight",
  permissions,
  fn: () => {
    const watch = new LossWatch();
    assert.equal(watch.loss, undefined);
    watch.statusChanged(status("ahead_of_log", loss()), 1_000);
    watch.looked(GONE, 3_000);
    assert.deepEqual([watch.loss, watch.since_ms], [GONE, 1_000]);
    // A short gap: a step of a healing, say.
    watch.statusChanged(status("away"), 4_000);
    assert.equal(watch.loss, undefined);
    watch.statusChanged(status("ahead_of_log", loss()), 8_000);
    assert.equal(watch.since_ms, 1_000);
    watch.statusChanged(status("away"), 9_000);
    watch.statusChanged(status("ahead_of_log", loss()), 13_001);
    assert.equal(watch.since_ms, 13_001);
    watch.statusChanged(status("connected"), 13_100);
    watch.statusChanged(status("ahead_of_log", loss()), 13_200);
    assert.equal(watch.since_ms, 13_200);
    // The others are heard, and the log is lost again before they were.
    watch.statusChanged({ ...status("away"), isWhole: true }, 13_300);
    watch.statusChanged(status("ahead_of_log", GONE), 13_400);
    assert.equal(watch.since_ms, 13_400);
  },
});

Deno.test({
  name:
    "LossWatch tells a loss that servers may have yet to agree on only once it lasts",
  permissions,
  fn: () => {
    const watch = new LossWatch();
    watch.statusChanged(status("away", loss()), 3_000);
    assert.ok(!watch.isCertain(4_999));
    assert.ok(watch.isCertain(5_000));
    watch.statusChanged(status("ahead_of_log", loss()), 4_000);
    assert.ok(watch.isCertain(4_000));
  },
});

Deno.test({
  name: "LossWatch counts anew for each fence, and for its mark",
  permissions,
  fn: () => {
    const watch = new LossWatch();
    watch.looked(loss(), 0);
    for (
      const [lost, now_ms, since_ms] of [
        [FENCED, 1_000, 1_000],
        [FENCED, 2_000, 1_000],
        [{ ...FENCED, fence: { ...FENCED.fence!, at: 90 } }, 3_000, 3_000],
        [UNMARKED, 4_000, 4_000],
        [UNMARKED, 5_000, 4_000],
      ] as const
    ) {
      watch.looked(lost, now_ms);
      assert.equal(watch.fenceSince_ms, since_ms);
    }
    assert.equal(watch.since_ms, 0);
    // The same was seen long ago: it may have been finished meanwhile.
    watch.looked(UNMARKED, 11_000);
    assert.equal(watch.fenceSince_ms, 11_000);
  },
});
