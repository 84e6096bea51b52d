import assert from "node:assert/strict";
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
    "rss_bytes",
  ]);
  for (const [name, column] of Object.entries(columns)) {
    assert.equal((column as unknown[]).length, 1, name);
  }
  assert.ok(columns.at_s[0] >= 2 && columns.at_s[0] <= now_s);
  assert.ok(columns.gets_per_s[0] > 0 && columns.gets_per_s[0] <= 0.5);
  assert.ok(columns.sets_per_s[0] > 0 && columns.sets_per_s[0] <= 5);
  assert.ok(columns.commit_p50_ms[0] <= columns.commit_p99_ms[0]);
  assert.ok(columns.rss_bytes[0] > 1e6);
});
