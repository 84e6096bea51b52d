import assert from "node:assert/strict";
import { GETS_PER_SAMPLE } from "../../../src/http/get/get.ts";
import { LocalService } from "../../support/local_service.ts";
import {
  type MetricFamily,
  parsePrometheusText,
  sampleOf,
} from "../../support/prometheus_text.ts";

async function scrape(
  service: LocalService,
): Promise<Map<string, MetricFamily>> {
  const response = await service.get("/metrics");
  assert.equal(response.status, 200);
  assert.equal(
    response.headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  return parsePrometheusText(await response.text());
}

function requests(
  families: Map<string, MetricFamily>,
  listener: "set" | "get",
  route: string,
  status: number,
): number {
  return sampleOf(
    families,
    "usergrade_http_requests_total",
    `{listener="${listener}",route="${route}",status="${status}"}`,
  );
}

Deno.test("GET /metrics counts requests by route and status, and sets with their durations", async () => {
  const service = new LocalService({ bodyBytesMax: 200 });
  const done = async (response: Promise<Response>, status: number) => {
    const { status: found, body } = await response;
    await body?.cancel();
    assert.equal(found, status);
  };
  for (let i = 0; i < 5; i++) await done(service.set({ user_id: `${i}` }), 200);
  await done(service.set("not json"), 400);
  await done(service.set(" ".repeat(300)), 413);
  await done(
    service.set({}, { headers: { authorization: "Basic YQ==" } }),
    401,
  );
  await done(service.set({}, { headers: { origin: "http://other" } }), 403);
  for (let i = 0; i < 3 * GETS_PER_SAMPLE; i++) {
    await done(service.get("/get?user_id=1"), 200);
  }
  await done(service.get("/get?user_id=nobody"), 404);
  await done(service.get("/get"), 400);
  await done(service.get("/get?user_id=1", { method: "POST" }), 405);
  await done(service.get("/get?user_id=1&min_sequence=3"), 200);
  for (const path of ["/nowhere", "/else/where"]) {
    await done(service.get(path), 404);
  }
  await (await service.ask("/backup")).bytes();

  const families = await scrape(service);
  const counts: [Parameters<typeof requests>[1], string, number, number][] = [
    ["set", "/set", 200, 5],
    ["set", "/set", 400, 1],
    ["set", "/set", 413, 1],
    ["set", "/set", 401, 1],
    ["set", "/set", 403, 1],
    ["set", "/backup", 200, 1],
    ["get", "/get", 200, 3 * GETS_PER_SAMPLE + 1],
    ["get", "/get", 404, 1],
    ["get", "/get", 400, 1],
    ["get", "/get", 405, 1],
    ["get", "other", 404, 2],
  ];
  for (const [listener, route, status, count] of counts) {
    assert.equal(
      requests(families, listener, route, status),
      count,
      `${listener} ${route} ${status}`,
    );
  }
  const routes = new Set(
    [...families.get("usergrade_http_requests_total")!.samples.keys()]
      .map((key) => /route="([^"]*)"/.exec(key)![1]),
  );
  assert.ok(!routes.has("/nowhere"), "a label has as many values as it likes");

  const counted = (name: string) => sampleOf(families, name, "", "_count");
  assert.equal(counted("usergrade_get_duration_seconds"), 3);
  assert.equal(counted("usergrade_set_duration_seconds"), 5);
  assert.equal(sampleOf(families, "usergrade_sets_total"), 5);
  assert.equal(counted("usergrade_commit_duration_seconds"), 5);
  assert.equal(
    sampleOf(families, "usergrade_commit_batch_sets", "", "_sum"),
    5,
  );
  assert.equal(sampleOf(families, "usergrade_users"), 5);
  assert.equal(sampleOf(families, "usergrade_log_applied_sequence"), 5);
  assert.equal(sampleOf(families, "usergrade_log_lag_entries"), 0);
  assert.equal(
    sampleOf(families, "usergrade_backups_total", '{result="complete"}'),
    1,
  );
  assert.ok(sampleOf(families, "usergrade_backup_bytes_total") > 100);
  assert.equal(sampleOf(families, "usergrade_state", '{state="ready"}'), 1);
  assert.ok(sampleOf(families, "process_resident_memory_bytes") > 1e7);
  const started = sampleOf(families, "process_start_time_seconds");
  assert.ok(Math.abs(Date.now() / 1000 - started) < 60);
});
