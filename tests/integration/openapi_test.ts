import { Validator } from "@seriousme/openapi-schema-validator";
import assert from "node:assert/strict";
import { Histogram, SIZE_BOUNDS } from "../../src/histogram.ts";
import { BackupCounts } from "../../src/http/backup.ts";
import { BodyReader } from "../../src/http/body.ts";
import { getApp } from "../../src/http/get_app.ts";
import { openApiDocument } from "../../src/http/openapi/document.ts";
import { OTHER_ROUTE, RequestCounts } from "../../src/http/request_counts.ts";
import { setApp } from "../../src/http/set_app.ts";
import { Replica } from "../../src/replica/replica.ts";
import { Cluster } from "../support/cluster.ts";
import { AnswerChecker } from "../support/openapi.ts";
import { PASSWORD, ServiceProcess, USER } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const AUTHORIZATION = `Basic ${
  new TextEncoder().encode(`${USER}:${PASSWORD}`).toBase64()
}`;

const document = () =>
  JSON.parse(openApiDocument({ version: "1", setPort: 8080 }));

Deno.test("the OpenAPI document is one, by the specification's own schema", async () => {
  const { valid, errors } = await new Validator().validate(document());
  assert.ok(valid, JSON.stringify(errors));
});

Deno.test("the OpenAPI document has the routes of both listeners, and no others", () => {
  const replica = new Replica(
    { propose: () => {}, defer: () => {}, now: () => 0 },
    1,
  );
  const requests = { set: new RequestCounts(), get: new RequestCounts() };
  setApp(
    replica,
    new BodyReader(1, () => 0),
    { user: "a", passwords: ["b"] },
    requests.set,
    new BackupCounts(),
  );
  getApp({
    replica,
    requests: requests.get,
    getSeconds: new Histogram(SIZE_BOUNDS),
    status: () => ({}),
    cluster: () => ({}),
    history: () => ({}),
    openApi: () => Promise.resolve(""),
    metrics: () => Promise.resolve({ contentType: "", text: "" }),
  });
  const routes = [...requests.set.routes(), ...requests.get.routes()]
    .map(([route]) => route).filter((route) => route !== OTHER_ROUTE);
  assert.deepEqual(
    Object.keys(document().paths).sort(),
    [...new Set(routes)].sort(),
  );
});

/** Declared answers that are not provoked here, and why. */
const NOT_PROVOKED: Record<string, string> = {
  "post /set 504": "the broker would have to vanish in the middle of a commit",
  "post /import 504": "likewise",
};

/** Sends a request whose body never ends. */
function endlessBody(url: string): Promise<Response> {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
  });
  return fetch(url, {
    method: "POST",
    body,
    headers: { authorization: AUTHORIZATION },
  });
}

type Send = (
  method: string,
  path: string,
  init?: { query?: string; body?: string; headers?: Record<string, string> },
) => Promise<Headers>;

/** Asks for what a service that is ready answers. */
async function askReady(set: Send, get: Send): Promise<void> {
  const user = '{"user_id":"a"}';
  await set("post", "/set", { body: user });
  await set("post", "/set", { body: "no json" });
  await set("post", "/set", { body: '{"spp":"1"}' });
  await set("post", "/set", { body: " ".repeat(70_000) });
  const csv = "user_id,postpaid_limit,spp,shipping_fee,return_fee\na,1,2,3,4\n";
  await set("post", "/import", { body: csv });
  await set("post", "/import", { body: `${csv}nonsense\n` });
  await set("get", "/backup");
  for (
    const [method, path] of [
      ["post", "/set"],
      ["post", "/import"],
      ["get", "/backup"],
    ] as const
  ) {
    const body = method === "post" ? { body: user } : {};
    await set(method, path, { ...body, headers: { authorization: "" } });
    await set(method, path, { ...body, headers: { origin: "http://other" } });
  }
  for (const query of ["user_id=a", "user_id=a&min_sequence=1", "user_id=x"]) {
    await get("get", "/get", { query });
    await get("head", "/get", { query });
  }
  await get("get", "/get");
  await get("head", "/get");
  for (const path of openPaths()) {
    const headers = await get("get", path);
    await get("head", path);
    const tag = headers.get("etag");
    if (tag === null) continue;
    await get("get", path, { headers: { "if-none-match": tag } });
    await get("head", path, { headers: { "if-none-match": tag } });
  }
}

/** The paths that take nothing and that anyone may ask for. */
function openPaths(): string[] {
  const { paths } = document();
  return Object.keys(paths).filter((path) =>
    path !== "/get" && paths[path].get?.security === undefined &&
    paths[path].get !== undefined
  );
}

/** Asks for what a service without its broker answers. */
async function askUnready(set: Send, get: Send): Promise<void> {
  await set("post", "/set", { body: '{"user_id":"a"}' });
  await set("get", "/backup");
  await set("post", "/import", {
    body: "user_id,postpaid_limit,spp,shipping_fee,return_fee\na,1,2,3,4\n",
  });
  await get("get", "/readyz");
  await get("head", "/readyz");
  await get("get", "/get", { query: "user_id=a" });
  await get("head", "/get", { query: "user_id=a" });
}

/** A replica that never finds its broker, asked for what it answers then. */
async function withoutBroker(
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
  const [set, get] = senders(starting, checker);
  await askUnready(set, get);
}

/** Functions that ask a service and check what it answers. */
function senders(service: ServiceProcess, checker: AnswerChecker): Send[] {
  return (["set", "get"] as const).map(
    (listener) => async (method, path, { query, ...init } = {}) => {
      const response = await fetch(
        service.url(listener) + path + (query ? `?${query}` : ""),
        {
          ...init,
          method: method.toUpperCase(),
          headers: {
            ...(listener === "set" && { authorization: AUTHORIZATION }),
            ...init.headers,
          },
        },
      );
      await checker.check(method, path, response);
      return response.headers;
    },
  );
}

Deno.test("real answers are as the OpenAPI document says, and all that it says can be had", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const served = await (await service.get("/openapi.json")).json();
  const checker = new AnswerChecker(served);
  const [set, get] = senders(service, checker);
  await Promise.all([
    askReady(set, get),
    withoutBroker(checker, folder.path),
    // Bodies that do not come take ten seconds.
    ...["/set", "/import"].map(async (path) => {
      const response = await endlessBody(service.url("set") + path);
      await checker.check("post", path, response);
    }),
  ]);
  const unseen = checker.declared().filter((name) => !checker.seen.has(name));
  assert.deepEqual(unseen.sort(), Object.keys(NOT_PROVOKED).sort());
});
