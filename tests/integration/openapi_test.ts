import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import {
  AnswerChecker,
  type Method,
  METHODS,
  type OpenApi,
} from "../support/openapi.ts";
import { head, RawClient } from "../support/raw_client.ts";
import { PASSWORD, ServiceProcess, USER } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const AUTHORIZATION = `Basic ${
  new TextEncoder().encode(`${USER}:${PASSWORD}`).toBase64()
}`;

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee\n";

type Send = (
  method: Method,
  path: string,
  init?: {
    query?: string;
    body?: BodyInit;
    headers?: Record<string, string>;
  },
) => Promise<Headers>;

/** A service, and what holds its answers against its own document. */
class Asked {
  readonly set = this.#sender("set");
  readonly get = this.#sender("get");

  constructor(
    readonly service: ServiceProcess,
    readonly checker: AnswerChecker,
  ) {}

  #sender(listener: "set" | "get"): Send {
    return async (method, path, { query, ...init } = {}) => {
      const response = await fetch(
        this.service.url(listener) + path + (query ? `?${query}` : ""),
        {
          ...init,
          method: method.toUpperCase(),
          headers: {
            ...(listener === "set" && { authorization: AUTHORIZATION }),
            ...init.headers,
          },
        },
      );
      await this.checker.check(method, path, response);
      return response.headers;
    };
  }
}

/** Asks for what a set listener that is ready answers. */
async function askSets({ set }: Asked): Promise<void> {
  const user = '{"user_id":"a"}';
  await set("post", "/set", { body: user });
  await set("post", "/set", { body: "no json" });
  await set("post", "/set", { body: '{"spp":"1"}' });
  await set("post", "/set", { body: " ".repeat(70_000) });
  await set("post", "/import", { body: `${HEADER}a,1,2,3,4\n` });
  await set("post", "/import", { body: `${HEADER}a,1,2,3,4\nnonsense\n` });
  await set("post", "/import", { body: new Uint8Array([0x1f, 0x8b, 8]) });
  await set("get", "/backup");
  await set("head", "/backup");
  for (const path of ["/set", "/import"]) {
    const headers = { "content-encoding": "br" };
    await set("post", path, { body: user, headers });
  }
  for (
    const [method, path] of [
      ["post", "/set"],
      ["post", "/import"],
      ["get", "/backup"],
      ["head", "/backup"],
    ] as const
  ) {
    const body = method === "post" ? { body: user } : {};
    await set(method, path, { ...body, headers: { authorization: "" } });
    await set(method, path, { ...body, headers: { origin: "http://other" } });
  }
}

/** Asks for what a get listener that is ready answers. */
async function askGets({ get }: Asked, document: OpenApi): Promise<void> {
  for (
    const query of ["user_id=a", "user_id=a&min_sequence=1", "user_id=x", ""]
  ) {
    await get("get", "/get", { query });
    await get("head", "/get", { query });
  }
  for (const path of openPaths(document)) {
    const headers = await get("get", path);
    await get("head", path);
    const tag = headers.get("etag");
    if (tag === null) continue;
    await get("get", path, { headers: { "if-none-match": tag } });
    await get("head", path, { headers: { "if-none-match": tag } });
  }
}

/** The paths that take nothing and that anyone may ask for. */
function openPaths({ paths }: OpenApi): string[] {
  return Object.keys(paths).filter((path) =>
    path !== "/get" && paths[path].get !== undefined &&
    paths[path].get.security === undefined
  );
}

/** The probes of a listener. */
async function askProbes(send: Send): Promise<void> {
  for (const path of ["/healthz", "/readyz"]) {
    await send("get", path);
    await send("head", path);
  }
}

/** Bodies that never end: after ten seconds they are given up. */
async function sendEndlessly({ service, checker }: Asked): Promise<void> {
  await Promise.all(["/set", "/import"].map(async (path) => {
    const response = await fetch(service.url("set") + path, {
      method: "POST",
      body: new ReadableStream({
        start: (controller) =>
          controller.enqueue(new TextEncoder().encode("{")),
      }),
      headers: { authorization: AUTHORIZATION },
    });
    assert.equal(response.status, 408);
    await checker.check("post", path, response);
  }));
}

/** A replica that never finds its broker, asked for what it answers then. */
async function askWithoutBroker(
  checker: AnswerChecker,
  dataDir: string,
): Promise<void> {
  await using cluster = await Cluster.start(0);
  await cluster.broker.stop();
  await using starting = ServiceProcess.spawn({
    dataDir,
    env: { NATS_URL: cluster.broker.url, REPLICA_ID: "r" },
  });
  await starting.line(({ message }) => /NATS does not answer/.test(message));
  const { set, get } = new Asked(starting, checker);
  await set("post", "/set", { body: '{"user_id":"a"}' });
  await set("get", "/backup");
  await set("head", "/backup");
  await set("post", "/import", { body: `${HEADER}a,1,2,3,4\n` });
  await askProbes(set);
  await askProbes(get);
  await get("get", "/get", { query: "user_id=a" });
  await get("head", "/get", { query: "user_id=a" });
  for (const path of ["/status", "/cluster", "/history", "/metrics"]) {
    await get("get", path);
  }
}

/** Replicas that know each other, and then a broker that says no more. */
async function askCluster(checker: AnswerChecker): Promise<void> {
  await using cluster = await Cluster.start(2, { COMMIT_TIMEOUT_MS: "1000" });
  const [a, b] = cluster.replicas.map((one) => new Asked(one, checker));
  await a.set("post", "/set", { body: '{"user_id":"a"}' });
  await eventually(async () => {
    const { replicas } = await (await b.service.get("/cluster")).json();
    assert.equal(replicas.length, 2);
    assert.ok(replicas.every(({ equal }: { equal: unknown }) => equal));
  });
  for (const path of ["/status", "/cluster", "/history"]) {
    await b.get("get", path);
  }
  await cluster.broker.pause();
  await Promise.all([
    a.set("post", "/set", { body: '{"user_id":"a"}' }),
    b.set("post", "/import", { body: `${HEADER}a,1,2,3,4\n` }),
  ]);
}

Deno.test("real answers are as the OpenAPI document says, and all that it says can be had", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const document = await (await service.get("/openapi.json")).json();
  const checker = new AnswerChecker(document);
  const asked = new Asked(service, checker);
  await Promise.all([
    sendEndlessly(asked),
    askSets(asked).then(() => askGets(asked, document)),
    askProbes(asked.set),
    askWithoutBroker(checker, folder.path),
    askCluster(checker),
  ]);
  // All but 500, which only a fault gives, and which is not declared by itself.
  const unseen = checker.declared().filter((name) => !checker.seen.has(name));
  assert.deepEqual(unseen, []);
});

/** The methods that a path declares. */
function declaredMethods({ paths }: OpenApi, path: string): Method[] {
  return METHODS.filter((method) => paths[path][method] !== undefined);
}

Deno.test("a path answers at the listeners that the OpenAPI document names, by the methods that it names, and nowhere else", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const document: OpenApi = await (await service.get("/openapi.json")).json();
  const checker = new AnswerChecker(document);
  for (const [path, { servers }] of Object.entries(document.paths)) {
    const methods = declaredMethods(document, path);
    const isOfGet = servers.some(({ url }) => url === "/");
    const isOfSet = servers.some(({ url }) => url !== "/");
    for (const [listener, isOfIt] of [["get", isOfGet], ["set", isOfSet]]) {
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]) {
        if (isOfIt && methods.some((one) => one.toUpperCase() === method)) {
          continue;
        }
        const response = await fetch(
          service.url(listener as "get" | "set") + path,
          { method, headers: { authorization: AUTHORIZATION } },
        );
        assert.equal(response.status, isOfIt ? 405 : 404, `${method} ${path}`);
        const allow = response.headers.get("allow")?.toLowerCase() ?? null;
        assert.equal(allow, isOfIt ? methods.join(", ") : null);
        if (method === "HEAD") await response.body?.cancel();
        // Where 404 has a meaning of its own it looks the same.
        else if (`${response.status}` in operation(document, path)) {
          await checker.check(methods[0], path, response);
        } else await checker.checkOther(methods[0], path, response);
      }
    }
  }
});

/** The answers of a path's first method. */
function operation(document: OpenApi, path: string): object {
  const [method] = declaredMethods(document, path);
  return document.paths[path][method]!.responses;
}

Deno.test("a Host that is none gets the answer of the OpenAPI document for what is wrong otherwise", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const checker = new AnswerChecker(
    await (await service.get("/openapi.json")).json(),
  );
  using client = await RawClient.connect(service.url("get"));
  await client.send(
    head("GET /status/", "Connection: close").replace("Host: x", "Host: a/b"),
  );
  const { text } = await client.receive();
  const [lines, body] = text.split("\r\n\r\n");
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(lines)!;
  const headers = lines.split("\r\n").slice(1)
    .map((line) => line.split(": ", 2) as [string, string]);
  assert.equal(status, "400");
  await checker.checkOther(
    "get",
    "/status",
    new Response(body, { status: Number(status), headers }),
  );
});
