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
      refused: { not_ready: 3 * gets },
      errors: { client: gets, server: 0 },
      rss_bytes: 7,
    });
    const history = new History(read(), 1_000);
    history.tick(read, 1_000 + STEP_MS - 1);
    assert.equal(history.samples.at(0), undefined);
    gets += 100;
    sets += 10;
    for (let i = 0; i < 10; i++) latency.observe(0.002);
    history.tick(read, 1_000 + STEP_MS);
    history.tick(read, 1_000 + 2 * STEP_MS);
    const [first, second] = history.samples;
    const { commit_p50_ms, commit_p99_ms, ...rest } = first;
    assert.deepEqual(rest, {
      at_s: 3,
      gets_per_s: 50,
      sets_per_s: 5,
      refused_per_s: { not_ready: 150 },
      errors_per_s: { client: 50, server: 0 },
      rss_bytes: 7,
    });
    assert.ok(commit_p50_ms! > 0 && commit_p50_ms! <= commit_p99_ms!);
    assert.ok(commit_p99_ms! >= 1 && commit_p99_ms! <= 2.5);
    assert.deepEqual(second, {
      at_s: 5,
      gets_per_s: 0,
      sets_per_s: 0,
      commit_p50_ms: null,
      commit_p99_ms: null,
      refused_per_s: { not_ready: 0 },
      errors_per_s: { client: 0, server: 0 },
      rss_bytes: 7,
    });
    for (let i = 3; i < 1_000; i++) history.tick(read, 1_000 + i * STEP_MS);
    assert.equal(history.samples.length, SAMPLES_MAX);
    assert.equal(history.samples.at(-1)!.at_s, 1 + 999 * STEP_MS / 1000);
  },
);
