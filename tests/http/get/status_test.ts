import assert from "node:assert/strict";
import { LOCAL_LOG_ID } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";
import { LocalKeeping } from "../../support/local_snapshots.ts";

Deno.test("GET /status says what the contract says", async () => {
  const service = new LocalService();
  service.pass(12_345);
  await service.set({ user_id: "a", spp: 1 });
  await service.set({ user_id: "b", spp: 1 });
  const status = await service.statusJson();
  assert.deepEqual(Object.keys(status), [
    "replica_id",
    "version",
    "mode",
    "state",
    "log",
    "users",
    "digest",
    "uptime_s",
    "diverged",
    "gets_refused",
    "sets_refused",
    "leaving",
  ]);
  assert.match(status.digest, /^[0-9a-f]{16}$/);
  assert.ok(status.uptime_s >= 12.345 && status.uptime_s < 60);
  assert.deepEqual(
    { ...status, digest: "", uptime_s: 0 },
    {
      replica_id: "me",
      version: "1.0.0",
      mode: "standalone",
      state: "ready",
      log: {
        id: LOCAL_LOG_ID,
        first_sequence: 1,
        last_sequence: 2,
        applied_sequence: 2,
        lag: 0,
        connected: true,
        bytes: 0,
        snapshot: null,
        snapshot_problem: null,
      },
      users: 2,
      digest: "",
      uptime_s: 0,
      diverged: false,
      gets_refused: null,
      sets_refused: null,
      leaving: null,
    },
  );
});

Deno.test("GET /status names the newest snapshot of all places, the log's size, and why none is made", async () => {
  const service = new LocalService();
  const { snapshots } = service;
  const logPart = async () => (await service.statusJson()).log;
  snapshots.log.bytes = 64_000_000;
  snapshots.places.log.problem = "the NATS user may not use the bucket";
  assert.equal((await logPart()).bytes, 64_000_000);
  assert.equal((await logPart()).snapshot, null);
  assert.match((await logPart()).snapshot_problem, /may not use the bucket/);
  snapshots.places.log.problem = undefined;
  assert.equal((await logPart()).snapshot_problem, null);

  const inFolder = { sequence: 7, time: "2026-11-23T22:49:59Z", bytes: 70 };
  const inLog = { sequence: 0, time: null, bytes: 20 };
  snapshots.places.folder = new LocalKeeping();
  snapshots.places.folder.problem = "the folder is full";
  assert.equal((await logPart()).snapshot_problem, "the folder is full");
  assert.equal((await logPart()).snapshot, null);
  snapshots.places.log.newest = inLog;
  assert.deepEqual((await logPart()).snapshot, inLog);
  snapshots.places.folder.newest = inFolder;
  assert.deepEqual((await logPart()).snapshot, inFolder);
  snapshots.places.log.newest = null;
  assert.deepEqual((await logPart()).snapshot, inFolder);
  snapshots.places.log.newest = { ...inFolder, bytes: 71 };
  assert.equal((await logPart()).snapshot.bytes, 71);
});

Deno.test("GET /status says why gets and sets are refused, and that the service stops soon", async () => {
  const starting = new LocalService({ isOpen: false });
  const { gets_refused, sets_refused } = await starting.statusJson();
  assert.equal(gets_refused, "the log is not open yet");
  assert.equal(sets_refused, gets_refused);
  const readOnly = new LocalService({ isReadOnly: true });
  const { gets_refused: none, sets_refused: refused } = await readOnly
    .statusJson();
  assert.equal(none, null);
  assert.match(refused, /read-only/);
  const service = new LocalService();
  service.log.proposer.logStatusChanged({ state: "away", reason: "NATS" });
  assert.equal((await service.statusJson()).sets_refused, "NATS");
  service.apps.availability.leave("SIGTERM came");
  assert.equal((await service.statusJson()).leaving, "SIGTERM came");
});
