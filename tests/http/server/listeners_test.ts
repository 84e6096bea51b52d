import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { Listeners } from "../../../src/http/server/listeners.ts";
import { eventually } from "../../support/eventually.ts";
import { LocalService } from "../../support/local_service.ts";
import {
  AUTHORIZATION_LINE,
  hasHead,
  head,
  RawClient,
} from "../../support/raw_client.ts";

Deno.test("Listeners.tick() closes idle connections when there are too many, and answers requests under way", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  // Other test files run in the same process, with descriptors of their own.
  const free = openSync(devNull, "r");
  closeSync(free);
  const listeners = new Listeners(() => performance.now(), free + 100);
  let url = "";
  let addresses = 0;
  listeners.listen({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => {
      url = `http://127.0.0.1:${port}`;
      addresses++;
    },
  }, async (request) => {
    if (request.url.endsWith("/slow")) {
      asked.resolve();
      await answer.promise;
    }
    return new Response("done");
  });
  const isDone = (text: string) => text.endsWith("done");

  using slow = await RawClient.connect(url);
  await slow.send(head("GET /slow"));
  await asked.promise;
  listeners.tick();
  const idle = await Promise.all(
    Array.from({ length: 150 }, () => RawClient.connect(url)),
  );
  await Promise.all(idle.slice(0, 50).map((one) => one.send("GET / HTTP/1")));
  // The last one: they are accepted in turn, and all are then.
  await idle[149].send(head("GET /"));
  assert.ok(isDone((await idle[149].receive(isDone)).text));

  listeners.tick();
  for (const one of idle) {
    assert.ok((await one.receive()).closed);
    one[Symbol.dispose]();
  }
  await eventually(async () => {
    using other = await RawClient.connect(url);
    await other.send(head("GET /"));
    assert.ok(isDone((await other.receive(isDone)).text));
  });
  answer.resolve();
  assert.ok(isDone((await slow.receive(isDone)).text));
  assert.equal(addresses, 1);
  await listeners.shutdown();
  await assert.rejects(RawClient.connect(url));
});

/** What clients send of a request before they go, or before it is broken. */
const BEGUN_REQUESTS = [
  ["/set", "Content-Length: 100", '{"user_id":'],
  ["/set", "Content-Length: 100000", '{"user_id":'],
  ["/set", "Transfer-Encoding: chunked", '5\r\n{"use\r\n'],
  ["/import", "Content-Length: 100", "user_id,"],
  ["/import", "Transfer-Encoding: chunked", "5\r\nuser_\r\n"],
];

/** Begins requests, and waits until the service reads them. */
async function beginRequests(url: string): Promise<RawClient[]> {
  const clients = [];
  for (const [path, line, begun] of BEGUN_REQUESTS) {
    const client = await RawClient.connect(url);
    await client.send(head(`POST ${path}`, AUTHORIZATION_LINE, line) + begun);
    clients.push(client);
  }
  // The connections of these clients were accepted before this one.
  using last = await RawClient.connect(url);
  await last.send(head("GET /healthz"));
  await last.receive(hasHead);
  return clients;
}

/** The answers of the two routes by status. */
function answers({ apps }: LocalService): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const path of ["/set", "/import"]) {
    for (const [status, count] of apps.requests.set.route(path).entries()) {
      counts[status] = (counts[status] ?? 0) + count;
    }
  }
  return counts;
}

Deno.test("a body that its client cuts counts as the client's fault, and one that a shutdown breaks as 503", async () => {
  const service = new LocalService();
  const listeners = new Listeners(() => performance.now());
  let url = "";
  listeners.listen({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => url = `http://127.0.0.1:${port}`,
  }, service.apps.set);
  const leaving = await beginRequests(url);
  for (const client of leaving) client[Symbol.dispose]();
  await eventually(() => assert.deepEqual(answers(service), { 400: 5 }));

  const staying = await beginRequests(url);
  const shutDown = listeners.shutdown();
  await eventually(() =>
    assert.deepEqual(answers(service), { 400: 5, 503: 5 })
  );
  for (const client of staying) client[Symbol.dispose]();
  await shutDown;
});
