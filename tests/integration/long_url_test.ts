import assert from "node:assert/strict";
import { head, RawClient } from "../support/raw_client.ts";
import { ServedService } from "../support/served_service.ts";

Deno.test("a watch whose URL has 65,000 bytes is served, and one of 64 KiB gets 400 with no body from the runtime", async () => {
  await using service = new ServedService();
  for (const [bytes, status] of [[65_000, 200], [65_536, 400]]) {
    using client = await RawClient.connect(service.url);
    const target = "/watch?user_id=a&".padEnd(bytes, "&");
    await client.send(head(`GET ${target}`));
    const { text } = await client.receive((text) => text.includes("\r\n\r\n"));
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
    const isBare = /^content-length: 0\r$/im.test(text);
    assert.equal(isBare, status === 400, text);
  }
});
