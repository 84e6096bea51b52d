import assert from "node:assert/strict";
import { PENDING_BYTES_MAX } from "../../src/http/server/body.ts";
import {
  AUTHORIZATION_LINE,
  hasHead,
  head,
  RawClient,
} from "../support/raw_client.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Sends raw bytes and reads until the head of the answer is there. */
async function exchange(
  service: ServiceProcess,
  ...parts: string[]
): Promise<string> {
  using client = await RawClient.connect(service.url("set"));
  for (const part of parts) {
    // The answer may have come, and the end of the connection with it.
    if (!await client.send(part)) break;
  }
  return (await client.receive(hasHead)).text;
}

function post(path: string, ...lines: string[]): string {
  return head(`POST ${path}`, AUTHORIZATION_LINE, ...lines);
}

Deno.test("a body over MAX_BODY_BYTES is refused on the wire, by length or in chunks", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { MAX_BODY_BYTES: "100" },
  });
  // No byte of the body is needed to say so.
  assert.match(
    await exchange(service, post("/set", "Content-Length: 1000000")),
    /^HTTP\/1.1 413 /,
  );
  const chunk = `32\r\n${" ".repeat(50)}\r\n`;
  const chunked = post("/set", "Transfer-Encoding: chunked");
  assert.match(
    await exchange(service, chunked, chunk, chunk, "1\r\n \r\n"),
    /^HTTP\/1.1 413 /,
  );
  assert.match(
    await exchange(
      service,
      chunked,
      chunk,
      `f\r\n{"user_id":"y"}\r\n0\r\n\r\n`,
    ),
    /^HTTP\/1.1 200 /,
  );
});

Deno.test("bodies that do not arrive in 10 s get 408 on the wire, and others their answers meanwhile, also when clients leave in the middle of a body", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const byLength = post("/set", "Content-Length: 20") + '{"user';
  const inChunks = post("/set", "Transfer-Encoding: chunked") +
    "3\r\nabc\r\n";
  const started = performance.now();
  const slow = [
    exchange(service, byLength),
    exchange(service, inChunks),
    exchange(service, post("/import", "Content-Length: 1000") + "user_id,"),
  ];
  for (let i = 0; i < 50; i++) {
    using client = await RawClient.connect(service.url("set"));
    assert.ok(await client.send(i % 2 === 0 ? byLength : inChunks));
  }
  for (let i = 0; i < 20; i++) {
    const response = await service.set({ user_id: "a", spp: i });
    assert.equal(response.status, 200, await response.text());
  }
  for (const answer of await Promise.all(slow)) {
    assert.match(answer, /^HTTP\/1.1 408 /);
  }
  const took = performance.now() - started;
  // Anyone may send a get of many: the one that waits longest makes room.
  const begun = head("POST /get", "Content-Length: 262144") +
    " ".repeat(250_000);
  using crowd = new DisposableStack();
  const clients: RawClient[] = [];
  for (let bytes = 0; bytes <= PENDING_BYTES_MAX; bytes += 250_000) {
    const client = crowd.use(await RawClient.connect(service.url("get")));
    assert.ok(await client.send(begun));
    clients.push(client);
  }
  assert.match(
    (await clients[0].receive(hasHead)).text,
    /^HTTP\/1.1 503 [^]*connection: close/,
  );
  const many = await service.get("/get", { method: "POST", body: '["a"]' });
  assert.equal((await many.json())[0].user_id, "a");
  assert.ok(took >= 9_900 && took < 14_000, `${took} ms`);
  assert.equal((await service.statusJson()).users, 1);
});
