import assert from "node:assert/strict";
import fc from "fast-check";
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

Deno.test({
  name:
    "SteadyClock is as fast as time, however often it is asked, by a wall clock of whole milliseconds",
  permissions: "none",
  fn: () => {
    const step_ms = fc.double({ min: 0, max: 20, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(step_ms, { minLength: 1, maxLength: 500 }),
        (phase_ms, steps) => {
          const wall = (time_ms: number) => Math.floor(phase_ms + time_ms);
          const clock = new SteadyClock(0, wall(0));
          let time_ms = 0;
          let told_ms = 0;
          for (const step of steps) {
            time_ms += step;
            told_ms = clock.now(time_ms, wall(time_ms));
          }
          assert.ok(
            Math.abs(told_ms - time_ms) < 0.001,
            `it says ${told_ms} after ${time_ms} ms`,
          );
        },
      ),
    );
  },
});
