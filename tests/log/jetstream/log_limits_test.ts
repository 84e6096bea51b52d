import assert from "node:assert/strict";
import { limitsOf } from "../../../src/log/jetstream/log_limits.ts";
import { LOOK } from "./session_driver.ts";

const NONE = { age_ms: undefined, bytes: undefined, entries: undefined };

Deno.test({
  name:
    "limitsOf() tells the limits that take old entries, and none that refuses new ones",
  permissions: "none",
  fn: () => {
    const cases = [
      [{}, NONE],
      [{ max_age: 0, max_bytes: -1, max_msgs: -1 }, NONE],
      [{ max_age: 3_600_000_000_000 }, { ...NONE, age_ms: 3_600_000 }],
      [{ max_bytes: 1024, max_msgs: 7 }, { ...NONE, bytes: 1024, entries: 7 }],
      // A full stream refuses entries then; those that are too old still go.
      [
        { max_age: 1_000_000, max_bytes: 1, max_msgs: 1, discard: "new" },
        { ...NONE, age_ms: 1 },
      ],
    ] as const;
    for (const [settings, retention] of cases) {
      const look = { ...LOOK, config: { ...LOOK.config, ...settings } };
      assert.deepEqual(limitsOf(look, "id").retention, retention);
    }
  },
});
