import assert from "node:assert/strict";
import { SteadyClock } from "../../../src/log/jetstream/steady_clock.ts";

Deno.test({
  name:
    "SteadyClock passes while the machine sleeps, and when the wall clock is set back",
  permissions: "none",
  fn: () => {
    const clock = new SteadyClock(1_000, 5_000_000);
    assert.equal(clock.now(1_100, 5_000_100), 100);
    // The machine slept for an hour, of which the monotonic clock knows nothing.
    assert.equal(clock.now(1_200, 8_600_200), 3_600_200);
    // Someone set the wall clock back.
    assert.equal(clock.now(1_300, 5_000_000), 3_600_300);
    assert.equal(clock.now(1_400, 5_000_100), 3_600_400);
  },
});
