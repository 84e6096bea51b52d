import assert from "node:assert/strict";
import { newSeed, Random } from "../support/random.ts";
import { snapshotFaults } from "./snapshot_faults.ts";
import { SnapshotStorm } from "./snapshot_storm.ts";

const SEEDS = 2_000;

Deno.test({
  name:
    `snapshots stand in for what is cut off the log, and whoever starts comes back, for ${SEEDS} seeds of faults`,
  permissions: { env: ["USERGRADE_TEST_SEED"] },
  fn: async () => {
    const replay = Deno.env.get("USERGRADE_TEST_SEED");
    const first = Number(replay ?? newSeed());
    const seen = new Map<string, number>();
    for (let i = 0; i < (replay === undefined ? SEEDS : 1); i++) {
      const seed = (first + i) >>> 0;
      try {
        await new SnapshotStorm(seed).run();
      } catch (error) {
        console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
        throw error;
      }
    }
  },
});
