import assert from "node:assert/strict";
import { GETS_PER_SAMPLE } from "../../src/http/get/get_app.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import {
  type MetricFamily,
  parsePrometheusText,
} from "../support/prometheus_text.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

async function scrape(
  service: ServiceProcess,
): Promise<Map<string, MetricFamily>> {
  const response = await service.get("/metrics");
  assert.equal(response.status, 200);
  assert.equal(
    response.headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  return parsePrometheusText(await response.text());
}

/** A sample's value; 0 if nobody has counted it yet. */
function value(
  families: Map<string, MetricFamily>,
  name: string,
  labels = "",
  suffix = "",
): number {
  const family = families.get(name);
  assert.ok(family !== undefined, `there is no ${name}`);
  return family.samples.get(name + suffix + labels) ?? 0;
}

function requests(
  families: Map<string, MetricFamily>,
  listener: "set" | "get",
  route: string,
  status: number,
): number {
  return value(
    families,
    "usergrade_http_requests_total",
    `{listener="${listener}",route="${route}",status="${status}"}`,
  );
}

Deno.test("GET /metrics counts requests by route and status, and sets with their durations", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { MAX_BODY_BYTES: "200" },
  });
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
  await (await service.backup()).bytes();

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

  const counted = (name: string) => value(families, name, "", "_count");
  assert.equal(counted("usergrade_get_duration_seconds"), 3);
  assert.equal(counted("usergrade_set_duration_seconds"), 5);
  assert.equal(value(families, "usergrade_sets_total"), 5);
  assert.equal(counted("usergrade_commit_duration_seconds"), 5);
  assert.equal(
    value(families, "usergrade_commit_batch_sets", "", "_sum"),
    5,
  );
  assert.equal(value(families, "usergrade_users"), 5);
  assert.equal(value(families, "usergrade_log_applied_sequence"), 5);
  assert.equal(value(families, "usergrade_log_lag_entries"), 0);
  assert.equal(
    value(families, "usergrade_backups_total", '{result="complete"}'),
    1,
  );
  assert.ok(value(families, "usergrade_backup_bytes_total") > 100);
  assert.equal(value(families, "usergrade_state", '{state="ready"}'), 1);
  assert.ok(value(families, "process_resident_memory_bytes") > 1e7);
  const started = value(families, "process_start_time_seconds");
  assert.ok(Math.abs(Date.now() / 1000 - started) < 60);
});

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
  assert.equal(value(away, "usergrade_log_connected"), 0);
  assert.ok(
    value(away, "usergrade_rejected_sets_total", '{reason="not_ready"}') +
        value(away, "usergrade_rejected_sets_total", '{reason="not_stored"}') >=
      1,
  );
  assert.equal(value(away, "usergrade_sets_total"), 0);
  assert.equal(value(away, "usergrade_log_applied_sequence"), 1);
  await cluster.broker.start();
  await replica.untilReady("set");
  const back = await scrape(replica);
  assert.equal(value(back, "usergrade_log_connected"), 1);
  assert.ok(value(back, "usergrade_log_reconnects_total") >= 1);
  assert.equal(value(back, "usergrade_poison_entries_total"), 0);
});
