import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

Deno.test("POST /set merges partial updates and GET /get answers them", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { REPLICA_ID: "me" },
  });
  const first = await service.set({ user_id: "a", spp: 7, return_fee: -1 });
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("content-type"), "application/json");
  assert.equal(first.headers.get("log-sequence"), "1");
  assert.equal(
    await first.text(),
    '{"user_id":"a","postpaid_limit":0,"spp":7,"shipping_fee":0,"return_fee":-1}',
  );
  const second = await service.set(
    '{"user_id":"a","spp":0,"postpaid_limit":9007199254740991}',
  );
  assert.equal(second.headers.get("log-sequence"), "2");
  const whole =
    '{"user_id":"a","postpaid_limit":9007199254740991,"spp":0,"shipping_fee":0,"return_fee":-1}';
  assert.equal(await second.text(), whole);

  const got = await service.get("/get?user_id=a");
  assert.equal(got.status, 200);
  assert.equal(got.headers.get("content-type"), "application/json");
  assert.equal(got.headers.get("log-sequence"), null);
  assert.equal(await got.text(), whole);
  const head = await service.get("/get?user_id=a", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");

  const { replica_id, version, mode, log } = await service.statusJson();
  assert.deepEqual(
    [replica_id, version, mode],
    ["me", project.version, "standalone"],
  );
  assert.match(log.id, /^[0-9a-f]{16}$/);

  const only = await service.set({ user_id: "only" });
  assert.deepEqual(await only.json(), {
    user_id: "only",
    postpaid_limit: 0,
    spp: 0,
    shipping_fee: 0,
    return_fee: 0,
  });
});
