import assert from "node:assert/strict";
import { CommitGap } from "../../src/replica/commit_gap.ts";

Deno.test({
  name:
    "CommitGap tells how long ago a set committed, while any waits or was just refused",
  permissions: "none",
  fn: () => {
    const gap = new CommitGap();
    assert.equal(gap.at(5_000, false), 0);
    gap.begins(10_000);
    assert.equal(gap.at(12_000, true), 2_000);
    gap.committed(12_000);
    assert.equal(gap.at(12_500, true), 500);
    assert.equal(gap.at(12_500, false), 0);
    // The time without sets does not count.
    gap.begins(60_000);
    assert.equal(gap.at(61_000, true), 1_000);
    gap.refused(62_000);
    gap.begins(65_000);
    assert.equal(gap.at(66_000, false), 6_000);
    assert.equal(gap.at(72_000, false), 0);
    gap.begins(73_000);
    assert.equal(gap.at(74_000, true), 1_000);
  },
});
