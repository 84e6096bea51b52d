import assert from "node:assert/strict";
import { GETS_PER_SAMPLE } from "../../../src/http/get/get.ts";
import { LocalService } from "../../support/local_service.ts";
import { LocalKeeping } from "../../support/local_snapshots.ts";
import {
  type MetricFamily,
  sampleOf,
  scrape,
} from "../../support/prometheus_text.ts";

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
  await done(service.set([{ user_id: "0" }, { user_id: "x" }]), 200);
  await done(service.delete({ user_id: "x" }), 200);
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
  await done(service.get("/get?user_id=1", { method: "PUT" }), 405);
  await done(service.get("/get?user_id=1&min_sequence=3"), 200);
  for (const path of ["/nowhere", "/else/where"]) {
    await done(service.get(path), 404);
  }
  await (await service.ask("/backup")).bytes();

  const families = await scrape(service);
  const counts: [Parameters<typeof requests>[1], string, number, number][] = [
    ["set", "/set", 200, 6],
    ["set", "/delete", 200, 1],
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
  // Not all of them are timed, but all of them are counted.
  assert.equal(counted("usergrade_get_duration_seconds"), 3 * GETS_PER_SAMPLE);
  assert.equal(counted("usergrade_set_duration_seconds"), 7);
  assert.equal(sampleOf(families, "usergrade_sets_total"), 7);
  assert.equal(sampleOf(families, "usergrade_deletions_total"), 1);
  assert.equal(counted("usergrade_commit_duration_seconds"), 7);
  assert.equal(
    sampleOf(families, "usergrade_commit_batch_sets", "", "_sum"),
    8,
  );
  assert.equal(sampleOf(families, "usergrade_users"), 5);
  assert.equal(sampleOf(families, "usergrade_log_applied_sequence"), 7);
  assert.equal(sampleOf(families, "usergrade_log_lag_entries"), 0);
  assert.equal(
    sampleOf(families, "usergrade_backups_total", '{result="complete"}'),
    1,
  );
  assert.ok(sampleOf(families, "usergrade_backup_bytes_total") > 100);
  assert.ok(
    Math.abs(
      sampleOf(families, "usergrade_last_backup_timestamp_seconds") -
        Date.now() / 1000,
    ) < 60,
  );
  assert.equal(sampleOf(families, "usergrade_state", '{state="ready"}'), 1);
});

Deno.test("GET /metrics tells what the process uses, and how late its main thread is", async () => {
  const service = new LocalService();
  const before = await scrape(service);
  const seconds = (families: typeof before) =>
    sampleOf(families, "process_cpu_seconds_total");
  let work = 0;
  for (let i = 0; i < 3e7; i++) work += Math.sqrt(i);
  assert.ok(work > 0);
  for (const now_ms of [0, 100, 700]) service.loopLag.tick(now_ms);
  const families = await scrape(service);
  assert.ok(seconds(before) > 0);
  assert.ok(seconds(families) > seconds(before) + 0.005);
  assert.equal(families.get("process_cpu_seconds_total")!.type, "counter");
  const lag = (suffix: string, labels = "") =>
    sampleOf(families, "usergrade_event_loop_lag_seconds", labels, suffix);
  assert.equal(lag("_count"), 2);
  assert.equal(lag("_sum"), 0.5);
  assert.equal(lag("_bucket", '{le="0.00025"}'), 1);
  assert.equal(sampleOf(families, "usergrade_open_files"), 20);
  assert.equal(sampleOf(families, "usergrade_open_files_max"), 8192);
  assert.equal(sampleOf(families, "usergrade_log_files_bytes"), 4096);
  assert.ok(sampleOf(families, "process_resident_memory_bytes") > 1e7);
  const started = sampleOf(families, "process_start_time_seconds");
  assert.ok(Math.abs(Date.now() / 1000 - started) < 60);
  assert.equal(
    families.get("usergrade_restored_rows_total")!.type,
    "counter",
  );
});

Deno.test("GET /metrics counts refused credentials, and imports by how they ended", async () => {
  const service = new LocalService();
  let families = await scrape(service);
  assert.deepEqual(
    [...families.get("usergrade_last_backup_timestamp_seconds")!.samples],
    [],
  );
  const statuses = async (...responses: Promise<Response>[]) => {
    const found = [];
    for await (const { status, body } of responses) {
      await body?.cancel();
      found.push(status);
    }
    return found;
  };
  assert.deepEqual(
    await statuses(
      service.set({}, { headers: { authorization: "Basic YQ==" } }),
      service.ask("/backup", { headers: { authorization: "Bearer x" } }),
      service.send("set", "/nowhere"),
      service.import("user_id,spp\na,1\n"),
      service.import("user_id,spp\nb,1\nc,x\n"),
      // Not one that began.
      service.ask("/import?replace=false", { body: "user_id,spp\nd,1\n" }),
    ),
    [401, 401, 401, 200, 400, 400],
  );
  families = await scrape(service);
  const counted = (name: string, labels: string) =>
    sampleOf(families, name, labels);
  const refused = "usergrade_unauthorized_total";
  assert.equal(counted(refused, '{credentials="wrong"}'), 2);
  assert.equal(counted(refused, '{credentials="missing"}'), 1);
  const imports = "usergrade_imports_total";
  assert.equal(counted(imports, '{result="complete"}'), 1);
  assert.equal(counted(imports, '{result="failed"}'), 1);
});

/** The labels of a place as they stand in the text. */
const PLACES = { log: '{place="log"}', folder: '{place="folder"}' };

/** The snapshot metrics, each of which has a place. */
const SNAPSHOT_METRICS = [
  "usergrade_snapshot_age_seconds",
  "usergrade_snapshot_bytes",
  "usergrade_snapshot_sequence",
  "usergrade_snapshot_log_bytes",
  "usergrade_snapshot_off",
  "usergrade_snapshot_failures_total",
];

Deno.test("GET /metrics tells the log's size, and the snapshots of each place", async () => {
  const service = new LocalService();
  const { snapshots } = service;
  let families = await scrape(service);
  const value = (name: string, labels = "") =>
    families.get(name)!.samples.get(name + labels);
  assert.equal(value("usergrade_log_bytes"), 0);
  assert.equal(value("usergrade_log_limited"), 0);
  for (const name of SNAPSHOT_METRICS) {
    const isAge = name === "usergrade_snapshot_age_seconds";
    assert.equal(value(name, PLACES.log), isAge ? undefined : 0, name);
    assert.equal(value(name, PLACES.folder), undefined, name);
  }

  snapshots.log.bytes = 12_345;
  snapshots.log.isLimited = true;
  const { log } = snapshots.places;
  // With all the digits that a log gives.
  const time = new Date(Date.now() - 60_000).toISOString()
    .replace("Z", "456789Z");
  log.newest = { sequence: 7, time, bytes: 700 };
  log.logBytesSince = 42;
  log.problem = "the disk is full";
  log.failures = 3;
  const folder = snapshots.places.folder = new LocalKeeping();
  // Another machine's clock is ahead.
  const soon = new Date(Date.now() + 60_000).toISOString();
  folder.newest = { sequence: 9, time: soon, bytes: 900 };
  families = await scrape(service);
  assert.equal(value("usergrade_log_bytes"), 12_345);
  assert.equal(value("usergrade_log_limited"), 1);
  const [age_s, ...others] = SNAPSHOT_METRICS.map((name) =>
    value(name, PLACES.log)
  );
  assert.ok(age_s! >= 60 && age_s! < 120);
  assert.deepEqual(others, [700, 7, 42, 1, 3]);
  assert.deepEqual(
    SNAPSHOT_METRICS.map((name) => value(name, PLACES.folder)),
    [0, 900, 9, 0, 0, 0],
  );
  // The snapshot of a log that never had an entry has no age.
  log.newest = { sequence: 0, time: null, bytes: 70 };
  families = await scrape(service);
  assert.equal(value("usergrade_snapshot_age_seconds", PLACES.log), undefined);
  assert.equal(value("usergrade_snapshot_bytes", PLACES.log), 70);
});

Deno.test("GET /metrics tells what the log has lost, and how often it was made whole", async () => {
  const service = new LocalService();
  let families = await scrape(service);
  const values = () =>
    [
      "usergrade_healings_total",
      "usergrade_log_lost_entries",
      "usergrade_heal_points",
      "usergrade_healed_to_sequence",
    ].map((name) => sampleOf(families, name));
  assert.deepEqual(values(), [0, 0, 0, 0]);
  Object.assign(service.healing, { seen: 1, lost: 7 });
  await (await service.set({ user_id: "ann" })).body?.cancel();
  const replica = service.log.proposer;
  const { appliedSequence, digest } = replica;
  replica.apply([{
    sequence: appliedSequence + 1,
    time: "2026-11-26T08:00:00Z",
    heal: { sequence: appliedSequence, digest },
  }], appliedSequence + 1);
  families = await scrape(service);
  assert.deepEqual(values(), [1, 7, 1, appliedSequence]);
});
