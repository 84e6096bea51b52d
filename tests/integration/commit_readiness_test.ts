import assert from "node:assert/strict";
import { connect } from "nats";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { parsePrometheusText } from "../support/prometheus_text.ts";
import type { ServiceProcess } from "../support/service_process.ts";

async function metric(service: ServiceProcess, name: string): Promise<number> {
  const text = await (await service.get("/metrics")).text();
  return parsePrometheusText(text).get(name)!.samples.get(name)!;
}

Deno.test("a replica whose sets do not commit says so: not ready for sets, one line, a metric; and it notices by itself when they do again", async () => {
  await using cluster = await Cluster.start(1);
  const [replica] = cluster.replicas;
  const set = async (spp: number) => {
    const response = await replica.set({ user_id: "a", spp });
    const text = await response.text();
    return { status: response.status, text };
  };
  assert.equal((await set(1)).status, 200);
  assert.equal(await metric(replica, "usergrade_commit_gap_seconds"), 0);
  const client = await connect({ servers: cluster.broker.url });
  try {
    const manager = await client.jetstreamManager();
    const edit = async (change: Record<string, unknown>) => {
      const { config } = await manager.streams.info("USERGRADE");
      await manager.streams.update("USERGRADE", { ...config, ...change });
    };
    await edit({ discard: "new", max_msgs: 1 });
    const refused = await set(2);
    assert.equal(refused.status, 503);
    assert.match(refused.text, /maximum messages exceeded/);
    await eventually(async () => {
      const response = await fetch(`${replica.url("set")}/readyz`);
      assert.equal(response.status, 503, await response.text());
    });
    // Whoever still comes is told at once, and why.
    const late = await set(3);
    assert.equal(late.status, 503);
    assert.match(late.text, /no set has committed for 3 s.*maximum messages/);
    assert.ok(await metric(replica, "usergrade_commit_gap_seconds") >= 3);
    assert.equal(await metric(replica, "usergrade_log_connected"), 0);
    for (const path of ["/readyz", "/get?user_id=a"]) {
      const got = await replica.get(path);
      assert.equal(got.status, 200, await got.text());
    }
    await edit({ max_msgs: -1 });
    await replica.untilReady("set");
    assert.equal((await set(4)).status, 200);
    // What it was tried with, entry 2, has changed nothing.
    assert.equal((await replica.statusJson()).log.applied_sequence, 3);
    assert.equal((await replica.statusJson()).users, 1);
    const AGAIN = /^The log can be proposed to: "?sets are taken/;
    await replica.line(({ message }) => AGAIN.test(message));
    const count = (what: RegExp) =>
      replica.lines.filter(({ message }) => what.test(message)).length;
    assert.equal(count(/^No set can commit: "?no set has committed/), 1);
    assert.equal(count(AGAIN), 1);
  } finally {
    await client.close();
  }
});
