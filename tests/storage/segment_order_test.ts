import assert from "node:assert/strict";
import fc from "fast-check";
import { SegmentOrder } from "../../src/storage/segment_order.ts";

Deno.test(
  "SegmentOrder.sort() gives each row once, by its segment and then as it came, block after block",
  { permissions: "none" },
  () => {
    const order = new SegmentOrder();
    fc.assert(
      fc.property(
        // Few segments, so that rows share them.
        fc.array(fc.tuple(fc.nat(5), fc.integer()), { maxLength: 50 }),
        (rows) => {
          const hashes = rows.map(([segment, upper]) => upper << 10 | segment);
          order.reserve(rows.length);
          order.hashes.set(hashes);
          order.sort(rows.length);
          const expected = rows.map((_, row) => row).sort((a, b) =>
            rows[a][0] - rows[b][0] || a - b
          );
          assert.deepEqual([...order.rows.subarray(0, rows.length)], expected);
        },
      ),
      { numRuns: 1000 },
    );
  },
);
