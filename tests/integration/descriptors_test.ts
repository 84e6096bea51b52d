import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { AUTHORIZATION_LINE, head, RawClient } from "../support/raw_client.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** How many files and sockets the service may open. */
const DESCRIPTORS_MAX = 256;

const LIMITED = [
  "sh",
  "-c",
  `ulimit -n ${DESCRIPTORS_MAX}; exec "$@"`,
  "sh",
];

/** Opens connections until one is refused, or there are enough. */
async function connections(
  url: string,
  beginning: string,
): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  try {
    while (clients.length < 2 * DESCRIPTORS_MAX) {
      const client = await RawClient.connect(url);
      clients.push(client);
      await client.send(beginning);
    }
  } catch {
    // The listener is being bound again.
  }
  return clients;
}

Deno.test("running out of descriptors ends no listener and no request under way", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    wrapper: LIMITED,
  });
  await (await service.set({ user_id: "a", spp: 1 })).body?.cancel();
  for (
    const [listener, beginning] of [["get", ""], ["set", "POST /se"]] as const
  ) {
    using waiting = await RawClient.connect(service.url("get"));
    const { log } = await service.statusJson();
    await waiting.send(
      head(`GET /get?user_id=a&min_sequence=${log.last_sequence + 1}`),
    );
    const flood = await connections(service.url(listener), beginning);
    assert.ok(flood.length > DESCRIPTORS_MAX / 2);
    // While the flood's connections are all still held by the client.
    await eventually(async () => {
      const response = await service.set({ user_id: "a", spp: 2 });
      assert.equal(response.status, 200);
      await response.body?.cancel();
    });
    await eventually(async () => {
      const response = await service.get("/get?user_id=a");
      assert.equal((await response.json()).spp, 2);
    });
    const { text } = await waiting.receive((text) => text.endsWith("}"));
    assert.match(text, /^HTTP\/1.1 200 .*"spp":2/s);
    for (const client of flood) client[Symbol.dispose]();
  }
  assert.ok(
    service.lines.some(({ message }) =>
      /^Idle connections are closed: .*Too many open files/.test(message)
    ),
  );
  assert.equal((await service.end("SIGTERM")).code, 0);
});

Deno.test("a body that is cut when idle connections are closed was not stored, and says so", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    wrapper: LIMITED,
  });
  using slow = await RawClient.connect(service.url("set"));
  await slow.send(
    head("POST /set", AUTHORIZATION_LINE, "Content-Length: 15") + '{"user_id',
  );
  const answer = slow.receive((text) => text.endsWith("}"));
  const flood = await connections(service.url("get"), "");
  const { text } = await answer;
  assert.match(text, /^HTTP\/1.1 503 .*retry-after: 1.*another/s);
  for (const client of flood) client[Symbol.dispose]();
  assert.equal((await service.statusJson()).users, 0);
});

Deno.test("a client that stops in the middle of a refused body is closed when idle connections are", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    wrapper: LIMITED,
  });
  const requests = ["Expect: 100-continue", "Accept: */*"].map((line) =>
    head("POST /import", line, "Content-Length: 10000000000")
  );
  const stalled = await Promise.all(requests.map(async (request) => {
    const client = await RawClient.connect(service.url("set"));
    await client.send(request);
    await client.receive((text) => text.endsWith("}"));
    return client;
  }));
  const flood = await connections(service.url("get"), "");
  for (const client of stalled) {
    assert.ok((await client.receive()).closed);
    client[Symbol.dispose]();
  }
  for (const client of flood) client[Symbol.dispose]();
});
