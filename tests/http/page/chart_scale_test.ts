import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cutOff,
  powersAround,
  powersBetween,
  topOf,
} from "../../../src/http/page/chart_scale.js";

const column = fc.array(
  fc.oneof(
    fc.constant(null),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
  ),
  { maxLength: 300 },
);

Deno.test(
  "a chart is as high as its values, and one spike does not flatten the rest",
  {
    permissions: "none",
  },
  () => {
    const calm = Array.from({ length: 300 }, (_, i) => 10 + i % 5);
    const top = topOf([calm]);
    assert.ok(top > 14 && top < 20);
    assert.deepEqual(cutOff(calm, top), []);
    const spiky = calm.with(123, 4_000).with(7, 5_000);
    assert.equal(topOf([spiky]), top);
    assert.deepEqual(cutOff(spiky, top), [7, 123]);
    assert.ok(topOf([calm.with(0, 40)]) > 40, "a small one is shown whole");
    const silent = calm.map(() => 0).with(9, 80);
    assert.ok(topOf([silent]) > 80, "what is alone is no spike");
  },
);

Deno.test("a chart of any values has room for all but a twentieth of them", {
  permissions: "none",
}, () => {
  fc.assert(fc.property(fc.array(column, { maxLength: 5 }), (columns) => {
    const top = topOf(columns);
    assert.ok(Number.isFinite(top) && top > 0);
    const positive = columns.flat().filter((value) => value! > 0).length;
    const cut = columns.flatMap((one) => cutOff(one, top)).length;
    assert.ok(cut <= Math.ceil(positive / 20) + 1, `${cut} of ${positive}`);
    // Nothing is lifted to the top by a limit that nothing reaches.
    const most = Math.max(0, ...columns.flat().map((value) => value ?? 0));
    assert.ok(most === 0 || top <= 1.15 * most);
  }));
});

Deno.test("powers of ten enclose the values, and are all there", {
  permissions: "none",
}, () => {
  assert.deepEqual(powersAround(null, null), [1, 10]);
  assert.deepEqual(powersBetween(0.1, 1_000), [0.1, 1, 10, 100, 1_000]);
  const value = fc.double({ min: 0.01, max: 1e6, noNaN: true });
  fc.assert(fc.property(value, value, (a, b) => {
    const [least, most] = [Math.min(a, b), Math.max(a, b)];
    const [from, to] = powersAround(least, most);
    assert.ok(from <= least && to >= most && from < to);
  }));
});
