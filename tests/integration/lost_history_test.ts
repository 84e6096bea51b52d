import assert from "node:assert/strict";
import { connect } from "nats";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { set } from "./fuller_state.ts";

/** What the backup of a replica says of itself, asked with HEAD and GET. */
async function backupInfo(replica: ServiceProcess) {
  const response = await replica.backup();
  await response.body?.cancel();
  assert.equal(response.status, 200);
  return JSON.parse(response.headers.get("backup-info")!);
}

Deno.test("a replica that is ahead of the log answers no min_sequence, gives its backup, and marks no other as diverged when it stops", async () => {
  await using cluster = await Cluster.start(2, { HEAL_AFTER_MS: "0" });
  const [a, b] = cluster.replicas;
  await set(a, "ann");
  await cluster.agreement();
  await cluster.throughRestart(() => cluster.broker.saveStore());
  await set(a, "bob");
  const { digest, id } = await cluster.agreement();
  await cluster.broker.stop("SIGTERM");
  await cluster.broker.copyStore("swap");
  await b.end("SIGKILL");
  await cluster.broker.start();
  await a.line(({ state }) => state === "ahead_of_log");
  const anew = await cluster.startReplica(1, { NEW_LOG: "yes" });
  // Another entry at the same sequence of the same log.
  await set(anew, "cid");

  for (const sequence of [0, 1, 2, 99]) {
    const got = await a.get(`/get?user_id=ann&min_sequence=${sequence}`);
    assert.equal(got.status, 503);
    assert.match((await got.json()).detail, /history that the log has lost/);
  }
  assert.equal((await a.get("/get?user_id=bob")).status, 200);
  const info = await backupInfo(a);
  assert.deepEqual([info.log_id, info.sequence, info.rows, info.digest], [
    id,
    2,
    2,
    digest,
  ]);

  await a.end("SIGTERM");
  await eventually(async () => {
    const { replicas, diverged } = await (await anew.get("/cluster")).json();
    const row = replicas.find(({ self }: { self: boolean }) => !self);
    // Its last word was heard: it has stopped, and is no member that differs.
    assert.match(row.reason, /SIGTERM/);
    assert.deepEqual([row.state, row.equal, diverged], [
      "ahead_of_log",
      null,
      false,
    ]);
  });
});

Deno.test("a replica that needs an upgrade gives its backup, after a restart too, and goes on", async () => {
  await using cluster = await Cluster.start(1);
  const [a] = cluster.replicas;
  await set(a, "ann");
  const { digest } = await cluster.agreement();
  const client = await connect({ servers: cluster.broker.url });
  await client.jetstream().publish("usergrade.v9.set.later", "[]");
  await client.close();
  const check = async (replica: ServiceProcess) => {
    await replica.line(({ state }) => state === "upgrade_required");
    const got = await replica.get("/get?user_id=ann");
    await got.body?.cancel();
    assert.equal(got.status, 503);
    const info = await backupInfo(replica);
    assert.deepEqual([info.sequence, info.rows, info.digest], [1, 1, digest]);
    assert.equal((await fetch(`${replica.url("get")}/healthz`)).status, 200);
  };
  await check(a);
  await a.end("SIGTERM");
  await check(cluster.spawnReplica(0));
});
