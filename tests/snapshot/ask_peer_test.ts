import assert from "node:assert/strict";
import { askPeer, type Peer } from "../../src/snapshot/peer_source.ts";

const PROBLEM = { "content-type": "application/problem+json" };

const INFO = JSON.stringify({
  format: "usergrade-backup/2",
  time: "2026-11-23T22:50:01.123Z",
  log_id: "8f14e45fceea167a",
  sequence: 120,
  sequence_time: "2026-11-23T22:49:59.123456789Z",
  rows: 100,
  digest: "9f86d081884c7d65",
});

/** Asks a server that answers so. */
async function ask(answer: (request: Request) => Response) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    answer,
  );
  const peer: Peer = {
    url: `http://127.0.0.1:${server.addr.port}/`,
    user: "a",
    password: "pass:wörd",
  };
  try {
    return await askPeer(peer, undefined, new AbortController().signal);
  } finally {
    await server.shutdown();
  }
}

Deno.test("askPeer() takes a peer's word for what it holds, and for holding nothing", async () => {
  let asked: string[] = [];
  const state = await ask(({ method, url, headers }) => {
    asked = [method, new URL(url).pathname, headers.get("authorization") ?? ""];
    return new Response(null, { headers: { "backup-info": INFO } });
  });
  const userinfo = new TextEncoder().encode("a:pass:wörd").toBase64();
  assert.deepEqual(asked, ["HEAD", "/backup", `Basic ${userinfo}`]);
  assert.equal(state.type, "holds");
  assert.deepEqual(
    state.type === "holds" &&
      [state.info.logId, state.info.sequence, state.info.rows],
    ["8f14e45fceea167a", 120, 100],
  );
  const empty = await ask(() =>
    new Response(null, { status: 503, headers: PROBLEM })
  );
  assert.equal(empty.type, "holds_nothing");
});

Deno.test("askPeer() knows version 1.0, which answers GET alone", async () => {
  for (const status of [405, 200]) {
    const state = await ask(() => new Response(null, { status }));
    assert.equal(state.type, "does_not_say");
  }
});

Deno.test("askPeer() learns nothing from a proxy, a refusal, a redirect or nonsense", async () => {
  const cases: [Response, RegExp][] = [
    [new Response("no server", { status: 503 }), /refused: 503/],
    [new Response(null, { status: 401, headers: PROBLEM }), /refused: 401/],
    [
      new Response(null, { status: 302, headers: { location: "/x" } }),
      /unreachable/,
    ],
    [new Response(null, { headers: { "backup-info": "{}" } }), /format/],
  ];
  for (const [answer, reason] of cases) {
    await assert.rejects(ask(() => answer), (error: Error) => {
      assert.equal(error.name, "SourceError");
      assert.match(error.message, reason);
      return true;
    });
  }
});
