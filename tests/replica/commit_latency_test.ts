import assert from "node:assert/strict";
import * as fc from "fast-check";
import { CommitLatency, percentile } from "../../src/replica/commit_latency.ts";

Deno.test("percentile() is the true one or at most a quarter more", {
  permissions: "none",
}, () => {
  fc.assert(fc.property(
    fc.array(fc.double({ min: 0.1, max: 60_000, noNaN: true }), {
      minLength: 1,
    }),
    fc.constantFrom(0.5, 0.99),
    (latencies, share) => {
      const measured = new CommitLatency();
      for (const latency of latencies) measured.note(latency);
      latencies.sort((a, b) => a - b);
      const exact = latencies[Math.ceil(share * latencies.length) - 1];
      const found = percentile(measured.counts(), share)!;
      assert.ok(found >= exact * 0.999 && found <= exact * 1.251);
    },
  ));
});

Deno.test("CommitLatency takes whatever a clock says", {
  permissions: "none",
}, () => {
  const measured = new CommitLatency();
  assert.equal(percentile(measured.counts(), 0.5), null);
  for (const latency of [0, -1, 1e12]) measured.note(latency);
  assert.equal(measured.counts().reduce((a, b) => a + b), 3);
  assert.equal(percentile(measured.counts(), 0.5), 0.1);
});
