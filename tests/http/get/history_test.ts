import assert from "node:assert/strict";
import { REJECTIONS } from "../../../src/replica/set_counts.ts";
import { LocalService } from "../../support/local_service.ts";

Deno.test("GET /history has columns of the samples so far, with seconds since the start", async () => {
  const service = new LocalService();
  const before = await (await service.get("/history")).json();
  assert.deepEqual(before.columns.at_s, []);
  for (let i = 0; i < 10; i++) await service.set({ user_id: "a", spp: i });
  await service.get("/get?user_id=a");
  service.pass(2_000);
  const { now_s, step_s, samples_max, columns } =
    await (await service.get("/history")).json();
  assert.ok(Math.abs(now_s - service.now() / 1000) < 1);
  assert.deepEqual([step_s, samples_max], [2, 300]);
  assert.deepEqual(Object.keys(columns), [
    "at_s",
    "gets_per_s",
    "sets_per_s",
    "commit_p50_ms",
    "commit_p99_ms",
    "refused_per_s",
    "errors_per_s",
    "rss_bytes",
  ]);
  const { refused_per_s, errors_per_s, ...rest } = columns;
  const all = { ...rest, ...refused_per_s, ...errors_per_s };
  assert.equal(Object.keys(all).length, 6 + REJECTIONS.length + 2);
  for (const [name, column] of Object.entries(all)) {
    assert.equal((column as unknown[]).length, 1, name);
  }
  assert.ok(columns.at_s[0] >= 2 && columns.at_s[0] <= now_s);
  assert.ok(columns.gets_per_s[0] > 0 && columns.gets_per_s[0] <= 0.5);
  assert.ok(columns.sets_per_s[0] > 0 && columns.sets_per_s[0] <= 5);
  assert.ok(columns.commit_p50_ms[0] <= columns.commit_p99_ms[0]);
  assert.ok(columns.rss_bytes[0] > 1e6);
});

Deno.test("GET /history has refusals by reason and errors, neither of probes nor of users who do not exist", async () => {
  const service = new LocalService();
  service.log.proposer.logStatusChanged({ state: "away", reason: "NATS" });
  for (let i = 0; i < 4; i++) {
    await service.set({ user_id: "a" });
    await service.ask("/readyz");
    await service.get("/get?user_id=nobody");
    await service.get("/get");
    await service.send("set", "/set", { method: "POST" });
  }
  service.pass(2_000);
  const { columns } = await (await service.get("/history")).json();
  const { refused_per_s, errors_per_s } = columns;
  const [unready] = refused_per_s.not_ready;
  assert.ok(unready > 0 && unready <= 2);
  // For each refused set: a get without user_id and a set without a password.
  const times = ([rate]: number[]) => Math.round(rate / unready);
  assert.equal(times(refused_per_s.queue_full), 0);
  assert.equal(times(errors_per_s.client), 2);
  assert.equal(times(errors_per_s.server), 1);
});
