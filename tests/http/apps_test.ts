import assert from "node:assert/strict";
import { AUTHORIZATION } from "../support/credentials.ts";
import { LocalService } from "../support/local_service.ts";
import { problem } from "../support/problem.ts";

Deno.test("both listeners answer 405 with Allow, 404, and their probes", async () => {
  const service = new LocalService();
  const wrongMethod = await service.set({}, { method: "PUT" });
  assert.equal(wrongMethod.headers.get("allow"), "POST");
  await problem(wrongMethod, 405);
  const posted = await service.get("/get?user_id=a", { method: "PUT" });
  assert.equal(posted.headers.get("allow"), "GET, HEAD, POST");
  await problem(posted, 405);
  await problem(await service.get("/nope"), 404);
  await problem(await service.get("/set"), 404);
  for (const listener of ["set", "get"] as const) {
    const health = await service.send(listener, "/healthz");
    assert.equal(health.status, 200);
    await health.body?.cancel();
    const ready = await service.send(listener, "/readyz");
    assert.equal(ready.status, 200);
    const body = await ready.json();
    assert.equal(body.state, "ready");
    assert.equal(typeof body.reason, "string");
  }
  const slash = await service.get("/status/");
  assert.equal((await slash.json()).state, "ready");
});

Deno.test("READ_ONLY=yes refuses sets, deletions and imports with that reason, and serves everything else", async () => {
  const service = new LocalService({ isReadOnly: true });
  const { log: { proposer } } = service;
  await proposer.set({ user_id: "a", spp: 1 });
  for (const path of ["/set", "/delete", "/import"]) {
    const post = (authorization: string) =>
      service.send("set", path, {
        method: "POST",
        body: '{"user_id":"a"}',
        headers: { authorization },
      });
    const refused = await post(AUTHORIZATION);
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.match((await problem(refused, 503)).detail, /READ_ONLY=yes/);
    await problem(await post("Basic x"), 401);
    await problem(await service.ask(path), 405);
  }
  assert.equal(proposer.appliedSequence, 1);
  const set = await service.send("set", "/readyz");
  assert.equal(set.status, 503);
  assert.match((await set.json()).reason, /READ_ONLY=yes/);
  assert.equal((await service.get("/readyz")).status, 200);
  const backup = await service.ask("/backup");
  assert.equal(backup.status, 200);
  await backup.bytes();
  const got = await service.get("/get?user_id=a");
  assert.equal((await got.json()).spp, 1);
});

Deno.test("a service that leaves says so at both probes, and serves on", async () => {
  const service = new LocalService();
  service.apps.availability.leave("SIGTERM: soon");
  for (const listener of ["set", "get"] as const) {
    const probe = await service.send(listener, "/readyz");
    assert.equal(probe.status, 503);
    assert.equal((await probe.json()).reason, "SIGTERM: soon");
  }
  assert.equal((await service.set({ user_id: "a" })).status, 200);
  assert.equal((await service.get("/get?user_id=a")).status, 200);
});
