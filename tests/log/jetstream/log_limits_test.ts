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

Deno.test({
  name:
    "limitsOf() tells that a log on several servers is not cut by NATS before 2.10",
  permissions: "none",
  fn: () => {
    const problem = (serverVersion: string, num_replicas: number) =>
      limitsOf({
        ...LOOK,
        serverVersion,
        config: { ...LOOK.config, num_replicas },
      }, "id").cutProblem;
    for (const version of ["2.9.10", "2.9.25", "1.4.0"]) {
      assert.match(
        problem(version, 3)!,
        /^the log is not cut: NATS .* on 3 servers .*; upgrade NATS to 2\.10/,
      );
      assert.equal(problem(version, 1), undefined);
    }
    for (const version of ["2.10.0", "2.15.1", "3.0.0", "2.12.0-RC.1", ""]) {
      assert.equal(problem(version, 3), undefined);
    }
  },
});

Deno.test({
  name: "limitsOf() tells that a log is not cut whose stream denies it",
  permissions: "none",
  fn: () => {
    const config = { ...LOOK.config, deny_purge: true };
    assert.match(
      limitsOf({ ...LOOK, config }, "id").cutProblem!,
      /^the log is not cut: the stream USERGRADE has deny_purge/,
    );
  },
});
