import assert from "node:assert/strict";
import { newSeed } from "../support/random.ts";
import { type Report, Storm } from "./storm.ts";

const SEEDS = 3_000;

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
  permissions: { env: ["USERGRADE_TEST_SEED"] },
  fn: async () => {
    const replay = Deno.env.get("USERGRADE_TEST_SEED");
    const first = Number(replay ?? newSeed());
    const seen = new Map<string, number>();
    // Most of the time would go into stacks of refusals; a replay has them.
    const { stackTraceLimit } = Error;
    if (replay === undefined) Error.stackTraceLimit = 0;
    for (let i = 0; i < (replay === undefined ? SEEDS : 1); i++) {
      const seed = (first + i) >>> 0;
      let report: Report;
      try {
        report = await new Storm(seed).run();
      } catch (error) {
        console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
        throw error;
      }
      for (
        const name of [
          ...report.outcomes.map(({ type }) => type),
          ...report.faults,
          ...report.states,
          ...Array<string>(report.stuck).fill("stuck"),
          ...Array<string>(report.rejoined).fill("rejoined"),
        ]
      ) seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    Error.stackTraceLimit = stackTraceLimit;
    if (replay !== undefined) return;
    // The weather is bad enough for every outcome, and not too bad for any.
    for (const type of ["committed", "not stored", "unknown", "connected"]) {
      assert.ok(seen.get(type)! > SEEDS, `${type}: ${seen.get(type)}`);
    }
    for (
      const name of [
        ...FAULTS,
        "ahead_of_log",
        "not applied",
        "stuck",
        "rejoined",
      ]
    ) {
      assert.ok(seen.get(name)! > SEEDS / 50, `${name}: ${seen.get(name)}`);
    }
  },
});
