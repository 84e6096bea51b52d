import assert from "node:assert/strict";
import {
  newStreamConfig,
  settingsProblem,
  type StreamConfig,
  version2Problem,
} from "../../../src/log/jetstream/stream_config.ts";

const permissions = "none";
const RIGHT: StreamConfig = newStreamConfig("USERGRADE", 1, "0".repeat(16));

Deno.test({
  name:
    "settingsProblem() finds nothing wrong with a stream as it is made, nor with harmless changes",
  permissions,
  fn: () => {
    const fine: Partial<StreamConfig>[] = [
      {},
      { subjects: ["usergrade.v1.set.*"] },
      { subjects: ["usergrade.>"] },
      { description: "ours" },
      { max_msg_size: -1 },
      { max_msg_size: 1024 * 1024 },
      { persist_mode: "default" },
      { consumer_limits: {} },
      { consumer_limits: { inactive_threshold: 20_000e6 } },
      { deny_purge: true },
    ];
    for (const change of fine) {
      assert.equal(
        settingsProblem({ ...RIGHT, ...change }, "USERGRADE", 60_000),
        undefined,
        JSON.stringify(change),
      );
    }
  },
});

Deno.test({
  name: "settingsProblem() names what is wrong, all of it, and what to do",
  permissions,
  fn: () => {
    const wrong: [Partial<StreamConfig>, RegExp][] = [
      [{ subjects: ["other.>"] }, /subjects are \[other.>\] and should be/],
      [{ subjects: [] }, /subjects are \[\]/],
      [{ storage: "memory" }, /storage is memory and should be file/],
      [{ retention: "workqueue" }, /retention is workqueue/],
      [{ duplicate_window: 60_000e6 }, /duplicate_window is 60000 ms/],
      [{ max_msg_size: 1024 * 1024 - 1 }, /max_msg_size is 1048575/],
      [{ no_ack: true }, /no_ack/],
      [{ persist_mode: "async" }, /persist_mode is async/],
      [
        { consumer_limits: { inactive_threshold: 5_000e6 } },
        /inactive_threshold is 5000 ms and should be at least 20000/,
      ],
      [{ sealed: true }, /is sealed/],
    ];
    for (const [change, says] of wrong) {
      const problem = settingsProblem(
        { ...RIGHT, ...change },
        "USERGRADE",
        60_000,
      );
      assert.match(problem!, says);
      assert.match(problem!, /Edit it, or set another NATS_STREAM$/);
    }
    const all = Object.assign({}, RIGHT, ...wrong.map(([change]) => change));
    const problem = settingsProblem(all, "USERGRADE", 60_000)!;
    assert.equal(problem.split("; ").length, wrong.length - 1);
  },
});

Deno.test({
  name:
    "a stream takes deletions and fences where its subjects match theirs, and else says what to run",
  permissions,
  fn: () => {
    for (const subject of ["usergrade.*.set.*", "usergrade.>"]) {
      assert.equal(
        version2Problem({ ...RIGHT, subjects: [subject] }),
        undefined,
        subject,
      );
    }
    for (const subject of ["usergrade.v1.set.*", "other.>"]) {
      assert.match(
        version2Problem({ ...RIGHT, subjects: [subject] }) ?? "",
        /nats stream edit USERGRADE --subjects 'usergrade\.\*\.set\.\*'/,
        subject,
      );
    }
  },
});
