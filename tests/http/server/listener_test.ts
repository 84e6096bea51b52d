import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { Listeners } from "../../../src/http/server/listener.ts";
import { eventually } from "../../support/eventually.ts";
import { head, RawClient } from "../../support/raw_client.ts";

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
