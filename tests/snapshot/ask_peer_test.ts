import assert from "node:assert/strict";
import {
  askPeer,
  type Peer,
  peerSource,
} from "../../src/snapshot/peer_source.ts";

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

/** Uses a server that answers so as a peer. */
async function withPeer<T>(
  answer: (request: Request) => Response | Promise<Response>,
  use: (peer: Peer) => Promise<T>,
): Promise<T> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    answer,
  );
  const { port } = server.addr;
  try {
    return await use({
      url: `http://127.0.0.1:${port}/`,
      user: "a",
      password: "pass:wörd",
    });
  } finally {
    await server.shutdown();
  }
}

/** Asks a server that answers so. */
function ask(answer: (request: Request) => Response) {
  return withPeer(
    answer,
    (peer) => askPeer(peer, undefined, new AbortController().signal),
  );
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

Deno.test("a peer that does not answer is given up, and of an error that has no end only the beginning is read", async () => {
  const signal = AbortSignal.timeout(10_000);
  const late = Promise.withResolvers<Response>();
  await withPeer(() => late.promise, async (peer) => {
    using end = new DisposableStack();
    end.defer(() => late.resolve(new Response()));
    const message = "unreachable: no answer within 50 ms";
    await assert.rejects(askPeer(peer, undefined, signal, 50), { message });
    const source = peerSource(peer, undefined, 50);
    await assert.rejects(source.open(signal), { message });
  });
  let chunks = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull: (stream) => {
          chunks++;
          stream.enqueue(new Uint8Array(65_536));
        },
      }),
      { status: 500 },
    );
  await withPeer(
    endless,
    (peer) =>
      assert.rejects(
        peerSource(peer, undefined, 2_000).open(signal),
        /^SourceError: refused: 500/,
      ),
  );
  // What the sockets buffer is read ahead.
  assert.ok(chunks < 256, `${chunks} chunks`);
});
