import assert from "node:assert/strict";
import { runSeeds, simulateCommand } from "./seeds.ts";
import { STORMS } from "./storms.ts";

/** Always the same ones: `deno task simulate` runs others. */
const FIRST = 500_000;
const SEEDS = 90;

/** What a run may have: each is tried many times. */
const SEEN = [
  "a replica dies",
  "a replica dies at a step",
  "all replicas die",
  "a replica is stopped",
  "a replica is cut off",
  "the broker restarts",
  "no answers",
  "nobody hears anybody",
  "one is not heard",
  "permissions are taken",
  "the bucket is full",
  "the log refuses",
  "a limit takes entries",
  "a server is behind",
  "a snapshot is damaged",
  "a snapshot of another log is there",
  "a snapshot of another history is there",
  "a snapshot is beyond the log",
  "the log loses its tail",
  "trim",
  "made",
  "not made",
  "rejoin",
];

Deno.test({
  name:
    `snapshots stand in for what is cut off the log, and every replica that starts becomes ready, for ${SEEDS} seeds of faults`,
  permissions: "none",
  fn: async () => {
    const seen = await runSeeds(
      simulateCommand("snapshots"),
      FIRST,
      SEEDS,
      STORMS.snapshots,
    );
    for (
      const type of ["committed", "array", "deletion", "not stored", "trim"]
    ) {
      assert.ok(seen.get(type)! > SEEDS, `${type}: ${seen.get(type)}`);
    }
    for (const name of SEEN) {
      assert.ok(seen.get(name)! > SEEDS / 50, `${name}: ${seen.get(name)}`);
    }
  },
});
