import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { sampleOf, scrape } from "../support/prometheus_text.ts";

Deno.test("GET /metrics shows a broker that was away, refused sets and poison entries", async () => {
  await using cluster = await Cluster.start(2);
  const [replica, other] = cluster.replicas;
  await (await other.set({ user_id: "a" })).body?.cancel();
  await cluster.agreement();
  await cluster.broker.stop();
  await eventually(async () => {
    const response = await replica.set({ user_id: "a" });
    await response.body?.cancel();
    assert.equal(response.status, 503);
  });
  const away = await scrape(replica);
  assert.equal(sampleOf(away, "usergrade_log_connected"), 0);
  assert.ok(
    sampleOf(away, "usergrade_rejected_sets_total", '{reason="not_ready"}') +
        sampleOf(
          away,
          "usergrade_rejected_sets_total",
          '{reason="not_stored"}',
        ) >=
      1,
  );
  assert.equal(sampleOf(away, "usergrade_sets_total"), 0);
  assert.equal(sampleOf(away, "usergrade_log_applied_sequence"), 1);
  await cluster.broker.start();
  await replica.untilReady("set");
  const back = await scrape(replica);
  assert.equal(sampleOf(back, "usergrade_log_connected"), 1);
  assert.ok(sampleOf(back, "usergrade_log_reconnects_total") >= 1);
  assert.equal(sampleOf(back, "usergrade_poison_entries_total"), 0);
});
