import assert from "node:assert/strict";
import { runSeeds, simulateCommand } from "./seeds.ts";
import { STORMS } from "./storms.ts";

/** Always the same ones: `deno task simulate` runs others. */
const FIRST = 700_000;
const SEEDS = 1_000;

/** Faults that a run may have: each is tried many times. */
const FAULTS = [
  "broker restarts",
  "credentials are refused",
  "no answers",
  "nothing is stored",
  "consumer deleted",
  "consumer silent",
  "consumer paused",
  "description lost",
  "put back late",
  "restored from a backup",
  "limits",
  "cut behind snapshots",
  "cut by hand",
  "cut and put back",
  "settings are wrong",
  "a server is behind",
  "tail lost",
  "stream gone",
  "stream made anew",
  "entry deleted",
];

Deno.test({
  name:
    `replicas end equal or say why not, and every set as it was told, for ${SEEDS} seeds of weather, faults and full memories`,
  permissions: "none",
  fn: async () => {
    const seen = await runSeeds(
      simulateCommand("session"),
      FIRST,
      SEEDS,
      STORMS.session,
    );
    // The weather is bad enough for every outcome, and not too bad for any.
    for (
      const type of [
        "committed",
        "array",
        "deletion",
        "not stored",
        "unknown",
        "connected",
      ]
    ) {
      assert.ok(seen.get(type)! > SEEDS, `${type}: ${seen.get(type)}`);
    }
    for (
      const name of [
        ...FAULTS,
        "ahead_of_log",
        "forked",
        "not applied",
        "stuck",
        "rejoined",
      ]
    ) {
      assert.ok(seen.get(name)! > SEEDS / 50, `${name}: ${seen.get(name)}`);
    }
  },
});
