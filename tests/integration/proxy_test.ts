import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AUTHORIZATION,
  basicAuthorization,
  PASSWORD,
  USER,
} from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import type { HAProxy } from "../support/haproxy.ts";
import { ProxiedCluster } from "../support/proxied_cluster.ts";
import { AUTHORIZATION_LINE, head, RawClient } from "../support/raw_client.ts";

/** Longer than the proxy takes to see that a replica is ready again. */
const PROXY_NOTICES_MS = 2_500;

const AUTHORIZED = {
  authorization: AUTHORIZATION,
};

/** The pause of a client between two requests. */
const PAUSE_MS = 40;

/** One for all tests. */
let cluster: ProxiedCluster;

Deno.test.beforeAll(async () => {
  cluster = await ProxiedCluster.start();
});

Deno.test.afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

function set(proxy: HAProxy, body: unknown, password = PASSWORD) {
  return fetch(`${proxy.url("set")}/set`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { authorization: basicAuthorization(USER, password) },
  });
}

Deno.test("the proxy of docker-compose.yml forwards sets, gets, imports and backups", async () => {
  const { proxy } = cluster;
  const response = await set(proxy, { user_id: "a", spp: 1 });
  assert.equal(response.status, 200);
  const sequence = response.headers.get("log-sequence");
  await response.body?.cancel();
  const got = await fetch(
    `${proxy.url("get")}/get?user_id=a&min_sequence=${sequence}`,
  );
  assert.equal((await got.json()).spp, 1);
  const page = await fetch(`${proxy.url("get")}/page`, { redirect: "manual" });
  assert.equal(page.headers.get("location"), "http://127.0.0.1:8000/page");
  await page.body?.cancel();

  const rows = Array.from({ length: 20_000 }, (_, i) => `u${i},1,2,3,4`);
  const imported = await fetch(`${proxy.url("set")}/import`, {
    method: "POST",
    headers: AUTHORIZED,
    body: [
      "user_id,postpaid_limit,spp,shipping_fee,return_fee",
      ...rows,
      "",
    ].join("\r\n"),
  });
  assert.equal((await imported.json()).rows, rows.length);
  // The other replica may answer, and apply the rows a little later.
  await eventually(async () => {
    const backup = await fetch(`${proxy.url("set")}/backup`, {
      headers: AUTHORIZED,
    });
    const text = await new Response(
      backup.body!.pipeThrough(new DecompressionStream("gzip")),
    ).text();
    assert.ok(text.split("\r\n").length > rows.length);
  });
});

Deno.test("the proxy of docker-compose.yml serves a client that asks for HTTP/2 without TLS, as Java does", async () => {
  const { proxy } = cluster;
  const upgrade = [
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
  ];
  const body = '{"user_id":"a","spp":1}';
  const length = `Content-Length: ${body.length}`;
  const cases: ["set" | "get", request: string][] = [
    ["set", head("POST /set", AUTHORIZATION_LINE, length, ...upgrade) + body],
    ["get", head("GET /get?user_id=a", "Content-Length: 0", ...upgrade)],
    ["get", head("GET /get?user_id=a", ...upgrade)],
  ];
  for (const [listener, request] of cases) {
    using client = await RawClient.connect(proxy.url(listener));
    await client.send(request);
    const { text } = await client.receive((text) => text.endsWith("}"));
    assert.match(text, /^HTTP\/1.1 200 .*"spp":1/s);
  }
});

Deno.test("the proxy of docker-compose.yml cuts slow heads, slow bodies and idle connections, and refuses large heads", async () => {
  const { proxy } = cluster;
  const started = performance.now();
  const slow = async (first: string, then: string) => {
    using client = await RawClient.connect(proxy.url("set"));
    await client.send(first);
    const writing = setInterval(() => client.send(then), 1_000);
    try {
      return { ...await client.receive(), took: performance.now() - started };
    } finally {
      clearInterval(writing);
    }
  };
  const attacks = await Promise.all([
    slow("POST /set HT", "T"),
    slow("", ""),
    slow(head("POST /set", AUTHORIZATION_LINE, "Content-Length: 50"), " "),
  ]);
  for (const { text, closed, took } of attacks) {
    assert.ok(closed);
    assert.match(text, /^(HTTP\/1.1 408 |$)/);
    assert.ok(took > 9_000 && took < 18_000, `${took} ms`);
  }
  const [answer, problem] = attacks[2].text.split("\r\n\r\n");
  assert.match(answer, /^content-type: application\/problem\+json$/im);
  assert.equal(JSON.parse(problem).status, 408);
  using client = await RawClient.connect(proxy.url("get"));
  await client.send(head("GET /healthz", `X: ${"x".repeat(20_000)}`));
  const { text, closed } = await client.receive();
  assert.match(text, /^HTTP\/1.1 400 /);
  assert.ok(closed);
});

Deno.test("behind the proxy, a rolling restart fails no get and no set", async () => {
  const { proxy } = cluster;
  let stopped = false;
  const failures: string[] = [];
  let gets = 0;
  const acknowledged = new Map<string, number>();
  const setters = Array.from({ length: 4 }, async (_, client) => {
    for (let spp = 0; !stopped; spp++) {
      const user_id = `client-${client}`;
      try {
        const response = await set(proxy, { user_id, spp });
        const body = await response.text();
        if (response.status === 200) acknowledged.set(user_id, spp);
        else failures.push(`${response.status} ${body}`);
      } catch (error) {
        failures.push(String(error));
      }
      await sleep(PAUSE_MS);
    }
  });
  const getters = Array.from({ length: 8 }, async (_, client) => {
    while (!stopped) {
      try {
        const response = await fetch(
          `${proxy.url("get")}/get?user_id=client-${client % 4}`,
        );
        const body = await response.text();
        if (response.status === 200) gets++;
        else if (response.status !== 404) {
          failures.push(`${response.status} ${body}`);
        }
      } catch (error) {
        failures.push(String(error));
      }
      await sleep(PAUSE_MS);
    }
  });
  for (const name of ["a", "b"] as const) {
    await sleep(PROXY_NOTICES_MS);
    const before = gets;
    assert.equal((await cluster.replicas.get(name)!.end("SIGTERM")).code, 0);
    await cluster.startReplica(name);
    assert.ok(gets > before, "no get went through meanwhile");
  }
  stopped = true;
  await Promise.all([...setters, ...getters]);
  assert.deepEqual(failures, []);
  assert.equal(acknowledged.size, 4);
  for (const [user_id, spp] of acknowledged) {
    for (const replica of cluster.replicas.values()) {
      const grade = await (await replica.get(`/get?user_id=${user_id}`)).json();
      assert.ok(grade.spp >= spp, `${user_id}: ${grade.spp} < ${spp}`);
    }
  }
});

// The last one: the proxy then refuses this machine for a while.
Deno.test("the proxy of docker-compose.yml limits one source's connections and wrong passwords, and serves who shares its address", async () => {
  const { proxy } = cluster;
  const statuses = async (password: (i: number) => string) => {
    const found = [];
    for (let i = 0; i < 80; i++) {
      const response = await set(proxy, { user_id: "a" }, password(i));
      found.push(response.status);
      await response.body?.cancel();
    }
    return found;
  };
  // A client that has an old password guesses nothing.
  const repeated = await statuses(() => "old");
  assert.ok(repeated.every((status) => status === 401));
  const right = await set(proxy, { user_id: "a" });
  assert.equal(right.status, 200, await right.text());
  const guessed = await statuses((i) => `guess ${i}`);
  assert.ok(guessed.slice(0, 49).every((status) => status === 401));
  assert.ok(guessed.slice(52).every((status) => status === 429));
  const refused = await set(proxy, { user_id: "a" }, "guess");
  assert.equal(refused.headers.get("retry-after"), "10");
  assert.equal(
    refused.headers.get("content-type"),
    "application/problem+json",
  );
  assert.equal((await refused.json()).status, 429);
  // Others who share the address are served.
  const served = await set(proxy, { user_id: "a" });
  assert.equal(served.status, 200, await served.text());
  for (const headers of [{}, { authorization: "Basic eDp4" }]) {
    const probe = await fetch(`${proxy.url("set")}/readyz`, { headers });
    assert.equal(probe.status, 200, await probe.text());
  }
  const missing = await fetch(`${proxy.url("set")}/backup`);
  assert.equal(missing.status, 401, await missing.text());

  const clients: RawClient[] = [];
  const answers = await Promise.all(
    Array.from({ length: 250 }, async () => {
      try {
        const client = await RawClient.connect(proxy.url("get"));
        clients.push(client);
        await client.send(head("GET /healthz"));
        return (await client.receive((text) => text.includes("ok"))).text;
      } catch {
        return ""; // Refused as early as that.
      }
    }),
  );
  for (const client of clients) client[Symbol.dispose]();
  const answered = answers.filter((text) => text.startsWith("HTTP/1.1 200"));
  assert.ok(
    answered.length > 100 && answered.length <= 200,
    `${answered.length}`,
  );
});
