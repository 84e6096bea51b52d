import assert from "node:assert/strict";
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import { standing } from "../../src/cluster/standing.ts";
import { heartbeat } from "./heartbeats.ts";

const permissions = "none";

const LOG_ID = heartbeat("a").log_id!;

/** Replica `m` among others. */
function among(...others: [replicaId: string, changes: Partial<Heartbeat>][]) {
  return standing([
    ...others.map(([replicaId, changes]) => ({
      heartbeat: heartbeat(replicaId, changes),
      isSelf: false,
    })),
    { heartbeat: heartbeat("m"), isSelf: true },
  ], LOG_ID);
}

Deno.test({
  name: "standing() counts the ready replicas of this log with a smaller id",
  permissions,
  fn: () => {
    assert.equal(among().rank, 0);
    assert.equal(among(["b", {}], ["a", {}], ["z", {}]).rank, 2);
    const others = ["catching_up", "gone", "draining", "ahead_of_log"];
    for (const state of others) {
      assert.equal(among(["a", { state }], ["b", {}]).rank, 1);
    }
    assert.equal(among(["a", { log_id: "other" }], ["b", {}]).rank, 1);
    assert.equal(among(["a", { log_id: null }]).rank, 0);
  },
});

Deno.test({
  name: "standing() says how far the slowest replica is that is catching up",
  permissions,
  fn: () => {
    const at = (state: string, applied_sequence: number) => ({
      state,
      applied_sequence,
    });
    assert.equal(among(["a", at("ready", 2)]).slowestSequence, undefined);
    assert.equal(among(["a", at("gone", 2)]).slowestSequence, undefined);
    const { slowestSequence } = among(
      ["a", at("catching_up", 7)],
      ["b", at("restoring", 5)],
      ["z", { ...at("catching_up", 1), log_id: "other" }],
    );
    assert.equal(slowestSequence, 5);
  },
});
