import assert from "node:assert/strict";
import { Histogram, MILLISECOND_BOUNDS } from "../../src/histogram.ts";
import {
  type Counters,
  History,
  SAMPLES_MAX,
  STEP_MS,
} from "../../src/telemetry/history.ts";

Deno.test(
  "History has rates and percentiles of each step, and keeps ten minutes",
  {
    permissions: "none",
  },
  () => {
    const latency = new Histogram(MILLISECOND_BOUNDS);
    let gets = 5;
    let sets = 0;
    const read = (): Counters => ({
      gets,
      sets,
      setSeconds: latency.snapshot(),
      rss_bytes: 7,
    });
    const history = new History(read(), 1_000);
    history.tick(read, 1_000 + STEP_MS - 1);
    assert.deepEqual(history.view(3_000).columns.at_s, []);
    gets += 100;
    sets += 10;
    for (let i = 0; i < 10; i++) latency.observe(0.002);
    history.tick(read, 1_000 + STEP_MS);
    history.tick(read, 1_000 + 2 * STEP_MS);
    const { now_s, columns } = history.view(6_500);
    assert.equal(now_s, 6.5);
    assert.deepEqual(columns.at_s, [3, 5]);
    assert.deepEqual(columns.gets_per_s, [50, 0]);
    assert.deepEqual(columns.sets_per_s, [5, 0]);
    assert.deepEqual(columns.rss_bytes, [7, 7]);
    const [p99, none] = columns.commit_p99_ms;
    assert.ok(p99! >= 1 && p99! <= 2.5);
    assert.equal(none, null);
    for (let i = 3; i < 1_000; i++) history.tick(read, 1_000 + i * STEP_MS);
    const { at_s } = history.view(0).columns;
    assert.equal(at_s.length, SAMPLES_MAX);
    assert.equal(at_s[SAMPLES_MAX - 1], 1 + 999 * STEP_MS / 1000);
  },
);
