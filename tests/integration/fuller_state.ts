/**
 * What replicas say that know of a fuller state, or of a second log.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { ServiceProcess } from "../support/service_process.ts";

/** Sets a user, and checks that it is done. */
export async function set(
  replica: ServiceProcess,
  user_id: string,
): Promise<void> {
  const response = await replica.set({ user_id, spp: 7 });
  assert.equal(response.status, 200, await response.text());
}

/** Checks that a starting replica is held back, and says why. */
export async function assertHeld(
  replica: ServiceProcess,
  reason: RegExp,
): Promise<void> {
  const line = await replica.line(({ level, message }) =>
    level === "ERROR" && message.startsWith("Not ready")
  );
  assert.match(String(line.reason), reason);
  for (const listener of ["set", "get"] as const) {
    const probe = await fetch(`${replica.url(listener)}/readyz`);
    assert.equal(probe.status, 503);
    const { state, reason: told } = await probe.json();
    assert.equal(state, "starting");
    assert.match(told, reason);
  }
  const refused = await replica.set({ user_id: "ann", spp: 1 });
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).detail, reason);
  const got = await replica.get("/get?user_id=ann");
  await got.body?.cancel();
  assert.equal(got.status, 503);
  const metrics = await (await replica.get("/metrics")).text();
  assert.match(metrics, /^usergrade_start_held 1$/m);
}

/** Checks that a replica says who follows another log. */
export async function assertTwoLogs(
  replica: ServiceProcess,
  follower: string,
): Promise<void> {
  const line = await replica.line((one) =>
    one.message.startsWith("TWO LOGS") && one.follower === follower
  );
  assert.equal(line.level, "ERROR");
  const { other_logs, diverged } = await (await replica.get("/cluster")).json();
  assert.ok(
    other_logs.some((one: { follower: string; log_id: string }) =>
      one.follower === follower && one.log_id === line.other
    ),
    JSON.stringify(other_logs),
  );
  assert.equal(diverged, false);
  const metrics = await (await replica.get("/metrics")).text();
  assert.match(metrics, /^usergrade_other_logs [1-9]$/m);
}
