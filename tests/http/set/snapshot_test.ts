import assert from "node:assert/strict";
import { UnavailableError } from "../../../src/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { LOCAL_SNAPSHOT_BYTES } from "../../support/local_snapshots.ts";
import {
  type LocalRequest,
  LocalService,
} from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";
import {
  AUTHORIZATION_LINE,
  head,
  RawClient,
} from "../../support/raw_client.ts";

/** Asks for a snapshot with the right credentials. */
function post(
  service: LocalService,
  path = "/snapshot",
  init: LocalRequest = {},
): Promise<Response> {
  return service.ask(path, { method: "POST", ...init });
}

Deno.test("POST /snapshot answers with what was made, which /status then names", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a" });
  await service.set({ user_id: "a", spp: 1 });
  assert.equal((await service.statusJson()).log.snapshot, null);
  // As curl sends it with -X POST, and with -d "".
  for (const body of [undefined, ""]) {
    const response = await post(
      service,
      "/snapshot",
      body === undefined ? {} : { body },
    );
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.deepEqual(await response.json(), {
      sequence: 2,
      rows: 1,
      bytes: LOCAL_SNAPSHOT_BYTES,
    });
  }
  const { snapshot } = (await service.statusJson()).log;
  assert.equal(snapshot.sequence, 2);
  assert.equal(snapshot.bytes, LOCAL_SNAPSHOT_BYTES);
});

Deno.test("POST /snapshot refuses other methods, no credentials and pages of other origins", async () => {
  const service = new LocalService();
  for (const method of ["GET", "HEAD", "PUT"]) {
    const response = await service.ask("/snapshot", { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "POST");
    await response.body?.cancel();
  }
  await problem(
    await post(service, "/snapshot", { headers: { authorization: "" } }),
    401,
  );
  await problem(
    await post(service, "/snapshot", { headers: { origin: "http://other" } }),
    403,
  );
  assert.equal(service.snapshots.made, 0);
});

Deno.test("POST /snapshot refuses a query and a body, and keeps no more of a body than MAX_BODY_BYTES", async () => {
  const service = new LocalService({ bodyBytesMax: 100 });
  const query = await problem(await post(service, "/snapshot?keep=9"), 400);
  assert.match(query.detail, /no parameter "keep": leave it out/);
  const body = await problem(
    await post(service, "/snapshot", { body: '{"keep":9}' }),
    400,
  );
  assert.match(body.detail, /takes no body/);
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(40)),
    });
  await problem(await post(service, "/snapshot", { body: endless() }), 413);
  await problem(
    await post(service, "/snapshot", { body: "x".repeat(101) }),
    413,
  );
  assert.equal(service.snapshots.made, 0);
});

Deno.test("POST /snapshot answers 503 with the cause where none can be made", async () => {
  const service = new LocalService();
  service.snapshots.failure = new UnavailableError(
    "No snapshot was made: the disk is full; make room",
  );
  const response = await post(service);
  assert.equal(response.headers.get("retry-after"), "1");
  const { detail } = await problem(response, 503);
  assert.equal(detail, "No snapshot was made: the disk is full; make room");
});

Deno.test("READ_ONLY=yes lets POST /snapshot through: it changes no grade", async () => {
  const service = new LocalService({ isReadOnly: true });
  const response = await post(service);
  assert.equal(response.status, 200);
  assert.equal((await response.json()).rows, 0);
});

Deno.test("POST /snapshot answers 503 while the service drains", async () => {
  const service = new LocalService();
  service.log.proposer.drain("SIGTERM");
  const response = await post(service);
  assert.equal(response.headers.get("retry-after"), "1");
  const { detail } = await problem(response, 503);
  assert.match(detail, /stopping \(SIGTERM\); ask another one/);
  assert.equal(service.snapshots.made, 0);
});

Deno.test("a client that leaves does not end the snapshot that it asked for", async () => {
  const service = new LocalService();
  const gate = Promise.withResolvers<void>();
  service.snapshots.gate = gate.promise;
  const left = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      request.signal.addEventListener("abort", () => left.resolve());
      return service.apps.set(request);
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  {
    using client = await RawClient.connect(url);
    await client.send(head("POST /snapshot", AUTHORIZATION_LINE));
    await eventually(() => assert.equal(service.snapshots.asked, 1));
  }
  await left.promise;
  gate.resolve();
  await eventually(() => assert.equal(service.snapshots.made, 1));
});
