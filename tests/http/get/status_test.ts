import assert from "node:assert/strict";
import { LOCAL_LOG_ID } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";

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
      },
      users: 2,
      digest: "",
      uptime_s: 0,
      diverged: false,
    },
  );
});
