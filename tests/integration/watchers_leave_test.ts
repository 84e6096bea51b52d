import assert from "node:assert/strict";
import { ServedService } from "../support/served_service.ts";

/** How many watch at once. */
const WATCHERS = 24;

/**
 * The runtime looks at sockets once in some 60 turns; in the one after that, it
 * knows of clients that have gone and has told nobody yet.
 */
const TURNS = 70;

const ROUNDS = 2 * TURNS;

const encoder = new TextEncoder();

/** Watches, and returns once the answer has begun. */
async function watch(url: string): Promise<Deno.Conn> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(
    encoder.encode("GET /watch?after=0 HTTP/1.1\r\nhost: a\r\n\r\n"),
  );
  await connection.read(new Uint8Array(4_096));
  return connection;
}

Deno.test("all watches end, also where some of their clients have just gone", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    await using service = new ServedService();
    const { watchers } = service.apps;
    const clients = await Promise.all(
      Array.from({ length: WATCHERS }, () => watch(service.url)),
    );
    assert.equal(watchers.size, WATCHERS);
    for (const client of clients) client.close();
    for (let i = 0; i < round % TURNS; i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    watchers.endAll("draining");
    assert.equal(watchers.size, 0);
    const { client, draining } = watchers.counts.ends;
    assert.equal(client + draining, WATCHERS);
  }
});
