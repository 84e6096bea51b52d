import assert from "node:assert/strict";
import { LocalService } from "../support/local_service.ts";
import { largeId } from "../support/memory.ts";

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee";

/** A log whose replica is stuck in an entry that it was just told to store. */
async function stuck(path: "/set" | "/import", body: string) {
  const service = new LocalService();
  const first = await service.set({ user_id: "before" });
  assert.equal(first.status, 200, await first.text());
  service.log.without = "records";
  const response = await service.ask(path, { body });
  return { service, status: response.status, problem: await response.json() };
}

Deno.test("POST /set answers 504 when the set is stored and can't be applied here", async () => {
  const body = JSON.stringify({ user_id: largeId("new"), spp: 1 });
  const { service, status, problem } = await stuck("/set", body);
  assert.equal(status, 504);
  assert.match(problem.detail, /^The change is stored, as part of entry 2 of /);
  const next = await service.set({ user_id: "before", spp: 2 });
  assert.equal(next.status, 503);
  assert.equal(next.headers.get("retry-after"), "1");
  assert.match(
    (await next.json()).detail,
    /entry 2 can't be applied: .*memory/,
  );
  const probe = await service.ask("/readyz");
  assert.equal(probe.status, 503);
  assert.match((await probe.json()).reason, /entry 2 can't be applied/);
});

Deno.test("POST /import says how far it came when a row is stored and can't be applied here, and no backup is half an entry", async () => {
  // The first row has an entry of its own, as after every lone set.
  const ids = ["lone", "a", largeId("b"), "c"];
  const rows = ids.map((id) => `${id},1,2,3,4`);
  const { service, status, problem } = await stuck(
    "/import",
    [HEADER, ...rows, ""].join("\n"),
  );
  assert.equal(status, 504);
  assert.match(problem.detail, /is stored, as part of entry 3 of the log/);
  assert.deepEqual([problem.line, problem.rows_committed], [3, 1]);
  const backup = await service.ask("/backup");
  assert.equal(backup.status, 503);
  assert.match((await backup.json()).detail, /entry 3 can't be applied/);
});
