import assert from "node:assert/strict";
import type { ChangeRecord } from "./history.ts";
import { LossTimes } from "./loss_times.ts";

function change(
  replica: number,
  asked_ms: number,
  type: "acknowledged" | "refused",
): ChangeRecord {
  const left = {
    user_id: "a",
    postpaid_limit: 0,
    spp: 0,
    shipping_fee: 0,
    return_fee: 0,
  };
  return {
    replica,
    change: { user_id: "a", return_fee: 1 },
    asked_ms,
    answered_ms: asked_ms + 10,
    outcome: type === "refused" ? { type } : { type, sequence: 1, left },
  };
}

Deno.test({
  name:
    "LossTimes tells how long logs were not whole, and replicas took no changes",
  permissions: "none",
  fn: () => {
    const times = new LossTimes();
    assert.deepEqual(times.untilWhole, { count: 0, median_ms: 0, max_ms: 0 });
    times.lost(100, true);
    times.whole(300);
    times.lost(1_000, false);
    // It is lost once more before it is whole.
    times.lost(1_500, false);
    times.whole(2_000);
    assert.deepEqual([times.count, times.healings], [3, 2]);
    assert.deepEqual(times.untilWhole, {
      count: 2,
      median_ms: 500,
      max_ms: 500,
    });
    const changes = [
      change(0, 90, "acknowledged"),
      change(0, 110, "refused"),
      change(0, 320, "acknowledged"),
      change(1, 350, "acknowledged"),
      change(0, 900, "acknowledged"),
      change(1, 900, "acknowledged"),
    ];
    assert.deepEqual(times.untilSets(changes), {
      count: 1,
      median_ms: 260,
      max_ms: 260,
    });
  },
});
