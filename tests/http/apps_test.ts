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

Deno.test("a request at the wrong listener is told which port serves its path, for every path", async () => {
  const service = new LocalService();
  const routes = (listener: "set" | "get") =>
    [...service.apps.requests[listener].routes()].map(([route]) => route)
      .filter((route) => route !== "other");
  const only = (one: "set" | "get", other: "set" | "get") =>
    routes(one).filter((route) => !routes(other).includes(route));
  const ofSet = only("set", "get");
  const ofGet = only("get", "set");
  for (const known of ["/set", "/delete", "/import", "/backup"]) {
    assert.ok(ofSet.includes(known), known);
  }
  for (const known of ["/", "/status", "/metrics", "/history"]) {
    assert.ok(ofGet.includes(known), known);
  }
  for (const route of ofSet) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const response = await service.get(`${route}?x=1`, { method });
      assert.equal(
        (await problem(response, 404)).detail,
        `The set listener, at port 8080 of this replica, serves ${route}`,
      );
    }
  }
  for (const route of ofGet) {
    const says =
      `The get listener, at port 8081 of this replica, serves ${route}, without a password`;
    const known = await service.ask(`${route}?x=1`);
    assert.equal((await problem(known, 404)).detail, says);
    const stranger = await service.send("set", route);
    assert.ok((await problem(stranger, 401)).detail.endsWith(`. ${says}`));
  }
  // Both serve it, but one without a password.
  for (const path of ["/get?user_id=a", "/watch"]) {
    const stranger = await service.send("set", path);
    assert.match((await problem(stranger, 401)).detail, /get listener.* 8081/);
  }
  for (const [listener, path] of [["get", "/sets"], ["set", "/set/x"]]) {
    const response = await service.send(listener as "set" | "get", path, {
      headers: { authorization: AUTHORIZATION },
    });
    assert.doesNotMatch((await problem(response, 404)).detail, /port/);
  }
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
