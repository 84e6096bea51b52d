import assert from "node:assert/strict";
import fc from "fast-check";
import { Histogram, quantile, SIZE_BOUNDS } from "../src/histogram.ts";

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

test("Histogram.observe() counts a value in the bucket whose bound it does not exceed", () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0, 1, 1.5, 10, 11, 1000]) histogram.observe(value);
  assert.deepEqual([...histogram.counts], [2, 2, 2]);
  assert.equal(histogram.sum, 1023.5);
});

test("Histogram.snapshot() does not follow what comes after", () => {
  const histogram = new Histogram([1]);
  const { counts, sum } = histogram.snapshot();
  histogram.observe(1);
  assert.deepEqual([...counts], [0, 0]);
  assert.equal(sum, 0);
});

test("quantile() covers the values between two snapshots, and is undefined without any", () => {
  const histogram = new Histogram([1, 2, 4]);
  for (let i = 0; i < 100; i++) histogram.observe(4);
  const earlier = histogram.snapshot();
  assert.equal(quantile(0.5, histogram, earlier), undefined);
  for (let i = 0; i < 10; i++) histogram.observe(2);
  assert.equal(quantile(0.5, histogram, earlier), 1.5);
  assert.equal(quantile(1, histogram, earlier), 2);
  histogram.observe(5);
  assert.equal(quantile(1, histogram, earlier), 4);
});

test("quantile() is in the bucket of the value that sorting finds", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1024 }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, part) => {
        const histogram = new Histogram(SIZE_BOUNDS);
        const empty = histogram.snapshot();
        for (const value of values) histogram.observe(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(part * sorted.length) - 1];
        const bucket = SIZE_BOUNDS.findIndex((bound) => exact <= bound);
        const found = quantile(part, histogram, empty)!;
        assert.ok(found <= SIZE_BOUNDS[bucket]);
        assert.ok(found >= (SIZE_BOUNDS[bucket - 1] ?? 0));
      },
    ),
  );
});
