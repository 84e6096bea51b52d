import assert from "node:assert/strict";
import { LINGER_TIMEOUT_MS } from "../../src/http/server/linger.ts";
import {
  AUTHORIZATION_LINE,
  hasHead,
  head,
  RawClient,
} from "../support/raw_client.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const folder = new TemporaryFolder();

/** One for all tests. */
let service: ServiceProcess;

Deno.test.beforeAll(async () => {
  service = await ServiceProcess.start({ dataDir: folder.path });
});

Deno.test.afterAll(async () => {
  await service[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Sends one request and reads the head of its answer. */
async function ask(url: string, request: string): Promise<string> {
  using client = await RawClient.connect(url);
  await client.send(request);
  return (await client.receive(hasHead)).text;
}

Deno.test("no Host header and no form of a target makes a request skip its route", async () => {
  const set = service.url("set");
  const request = (line: string, host: string) =>
    `${line} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`;
  for (
    const host of ["x/healthz?", "x/healthz?a=", "x?/", "x/", "a@b", "x\\y"]
  ) {
    for (
      const line of ["GET /backup", "POST /set", "POST /import", "GET /a/b"]
    ) {
      assert.match(
        await ask(set, request(line, host)),
        /^HTTP\/1.1 40[01] /,
        `${line} ${host}`,
      );
    }
  }
  for (const host of ["x/status?", "x/status/", "x/get?user_id=a&b="]) {
    const answer = await ask(
      service.url("get"),
      request("GET /get?user_id=b", host),
    );
    assert.match(answer, /^HTTP\/1.1 40[04] /, host);
  }
  // A target may name the host itself (RFC 9112, section 3.2.2).
  const whole = (target: string) => ask(set, request(`GET ${target}`, "x"));
  assert.match(await whole("http://a/healthz"), /^HTTP\/1.1 200 /);
  assert.match(await whole("http://a?b=/healthz"), /^HTTP\/1.1 401 /);
  assert.match(await whole("http://a/backup?/healthz"), /^HTTP\/1.1 401 /);
  // A slash in the query is nothing special.
  await (await service.set({ user_id: "a/b?c" })).body?.cancel();
  const got = await service.get("/get?user_id=a/b?c");
  assert.equal(got.status, 200);
  await got.body?.cancel();
});

Deno.test("an early answer to a long body does not wait for it, and a client that sends on is cut off", async () => {
  const length = "Content-Length: 10000000000\r\nExpect: 100-continue";
  const cases: [string, string][] = [
    [head("POST /set", length), "401"],
    [head("POST /import", length), "401"],
    [
      head(
        "POST /import",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
      ),
      "401",
    ],
    [head("POST /set", AUTHORIZATION_LINE, length), "413"],
    [head("PUT /set", AUTHORIZATION_LINE, length), "405"],
    [head("POST /nope", AUTHORIZATION_LINE, length), "404"],
    [head("POST /set", "Origin: http://evil.example", length), "403"],
  ];
  await Promise.all(cases.map(async ([request, status]) => {
    using client = await RawClient.connect(service.url("set"));
    await client.send(request);
    const { text } = await client.receive((text) => text.includes("}"));
    // The runtime says "go on" before the service can say no.
    const answer = text.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), text);
    assert.match(text, /"detail":"[^"]+"/);
  }));
  using endless = await RawClient.connect(service.url("set"));
  await endless.send(cases[0][0]);
  const end = performance.now() + 2 * LINGER_TIMEOUT_MS;
  const part = new Uint8Array(64 * 1024);
  while (await endless.send(part)) assert.ok(performance.now() < end);
});

Deno.test("an early answer to a short body leaves the connection open for the next request", async () => {
  using client = await RawClient.connect(service.url("set"));
  for (let i = 0; i < 3; i++) {
    await client.send(head("POST /set", "Content-Length: 2") + "{}");
    const { text } = await client.receive((text) => text.endsWith("}"));
    assert.match(text, /^HTTP\/1.1 401 /);
  }
});
