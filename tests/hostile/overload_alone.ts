import assert from "node:assert/strict";
import { overload } from "./overload.ts";

/** What the replica may take more than before it had too much to do. */
const GROWTH_MAX_MB = 200;

Deno.test({
  name:
    "with twice the sets that can commit, as many as before are acknowledged, the rest are refused at once, and the service recovers",
  // What a process has open is read where Linux has it.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { before, during, after, resident_mb } = await overload(
      2_000,
      4_000,
    );
    const told = JSON.stringify({
      before,
      after,
      during: { ...during, refusals_ms: during.refusals_ms.length },
      resident_mb,
    });
    assert.deepEqual(
      Object.keys(during.statuses).sort(),
      ["200", "503"],
      told,
    );
    assert.ok(during.acknowledged_per_s > 0.6 * before, told);
    assert.ok(during.statuses[503] > 1_000, told);
    assert.ok(during.allSayWhen);
    const median = during.refusals_ms[during.refusals_ms.length >> 1];
    assert.ok(median < 1_000, `${median} ms, ${told}`);
    assert.ok(after > 0.6 * before, told);
    assert.ok(resident_mb.most < resident_mb.before + GROWTH_MAX_MB, told);
    assert.ok(resident_mb.after < resident_mb.before + GROWTH_MAX_MB, told);
  },
});
