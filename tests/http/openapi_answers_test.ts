import assert from "node:assert/strict";
import { encodeHeartbeat } from "../../src/cluster/heartbeat.ts";
import { UnavailableError } from "../../src/errors.ts";
import { BODY_TIMEOUT_MS } from "../../src/http/server/body.ts";
import { RequestCounts } from "../../src/http/server/request_counts.ts";
import { router } from "../../src/http/server/router.ts";
import { importFile } from "../../src/http/set/import.ts";
import { Storage } from "../../src/storage/storage.ts";
import { heartbeat } from "../cluster/heartbeats.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { LOCAL_TIMEOUT_MS } from "../support/local_log.ts";
import { type LocalRequest, LocalService } from "../support/local_service.ts";
import {
  AnswerChecker,
  type Method,
  METHODS,
  type OpenApi,
} from "../support/openapi.ts";

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee\n";

type Send = (
  method: Method,
  path: string,
  init?: Omit<LocalRequest, "method"> & { query?: string },
) => Promise<Headers>;

/** A service, and what holds its answers against the document. */
class Asked {
  readonly set = this.#sender("set");
  readonly get = this.#sender("get");

  constructor(
    readonly service: LocalService,
    readonly checker: AnswerChecker,
  ) {}

  #sender(listener: "set" | "get"): Send {
    return async (method, path, { query, ...init } = {}) => {
      const response = await this.service.send(
        listener,
        path + (query ? `?${query}` : ""),
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

/** The document of a service. */
async function documentOf(service: LocalService): Promise<OpenApi> {
  const headers = { host: "localhost:8081" };
  return await (await service.get("/openapi.json", { headers })).json();
}

/** Asks for what a set listener that is ready answers. */
async function askSets({ set }: Asked, document: OpenApi): Promise<void> {
  const user = '{"user_id":"a"}';
  await set("post", "/set", { body: user });
  await set("post", "/set", { body: "no json" });
  await set("post", "/set", { body: '{"spp":"1"}' });
  for (const path of ["/set", "/delete"]) {
    for (const body of [`[${user},${user}]`, "[]", `[${user},{}]`]) {
      await set("post", path, { body });
    }
    await set("post", path, { body: " ".repeat(300_000) });
  }
  await set("post", "/delete", { body: user });
  await set("post", "/delete", { body: user, query: "x" });
  await set("post", "/set", { body: user });
  await set("post", "/import", { body: `${HEADER}a,1,2,3,4\n` });
  await set("post", "/import", { body: `${HEADER}a,1,2,3,4\nnonsense\n` });
  await set("post", "/import", { body: new Uint8Array([0x1f, 0x8b, 8]) });
  const query = "replace=true";
  await set("post", "/import", { body: `${HEADER}a,1,2,3,4\n`, query });
  await set("post", "/import", { body: HEADER, query });
  await set("post", "/import", { body: HEADER, query: "replace=false" });
  for (const path of ["/backup", "/users"]) {
    await set("get", path);
    await set("head", path);
  }
  await set("get", "/backup", {
    headers: {
      accept: "application/octet-stream",
      prefer: "compression=fast",
    },
  });
  await set("get", "/users", { query: "limit=0" });
  await set("head", "/users", { query: "limit=0" });
  await set("post", "/snapshot");
  await set("post", "/snapshot", { body: user });
  await set("post", "/snapshot", { body: " ".repeat(300_000) });
  for (const path of ["/set", "/delete", "/import"]) {
    const headers = { "content-encoding": "br" };
    await set("post", path, { body: user, headers });
  }
  for (
    const [method, path] of [
      ["post", "/set"],
      ["post", "/delete"],
      ["post", "/import"],
      ["post", "/snapshot"],
      ["get", "/backup"],
      ["head", "/backup"],
      ["get", "/users"],
      ["head", "/users"],
      ["post", "/get"],
      ...sharedPaths(document).flatMap((path) =>
        (["get", "head"] as const).map((method) => [method, path] as const)
      ),
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
    const query of [
      "user_id=a",
      "user_id=a&min_sequence=1",
      "user_id=x",
      "user_id=%00",
      "",
    ]
  ) {
    await get("get", "/get", { query });
    await get("head", "/get", { query });
  }
  for (const path of openPaths(document)) {
    await get("get", path);
    await get("head", path);
  }
}

/** The paths that take nothing and that anyone may ask for. */
function openPaths(document: OpenApi): string[] {
  const { paths } = document;
  return Object.keys(paths).filter((path) =>
    path !== "/get" && paths[path].get !== undefined &&
    paths[path].servers.some(({ url }) => url.endsWith(":8081"))
  );
}

/** The paths that the get listener has open and the set listener guards. */
function sharedPaths({ paths }: OpenApi): string[] {
  return Object.keys(paths).filter((path) =>
    paths[path].servers.length > 1 && paths[path].get?.security !== undefined
  );
}

/** Replaces the state while others delete a user of the file. */
async function askReplacement({ service, set }: Asked): Promise<void> {
  const { proposer } = service.log;
  const file = async function* () {
    yield new TextEncoder().encode(`${HEADER}gone,1,2,3,4\n`);
    await eventually(() => assert.ok(proposer.getJson("gone")));
    await proposer.delete({ user_id: "gone" });
  };
  const body = ReadableStream.from(file());
  await set("post", "/import", { body, query: "replace=true" });
}

/** Asks a replica that has gone on from a snapshot for changes. */
async function askWatches(checker: AnswerChecker): Promise<void> {
  const service = new LocalService();
  service.log.proposer.rejoin(new Storage(), { sequence: 7, time: null });
  const { get } = new Asked(service, checker);
  for (const query of ["after=7&user_id=a", "after=6", "after=x", "user_id="]) {
    await get("get", "/watch", { query });
    await get("head", "/watch", { query });
  }
}

/** The probes of a listener. */
async function askProbes(send: Send): Promise<void> {
  for (const path of ["/healthz", "/readyz"]) {
    await send("get", path);
    await send("head", path);
  }
}

/** Asks a get listener that is ready for many users. */
async function askMany({ get }: Asked): Promise<void> {
  const ask = (body: string, query = "", headers = {}) =>
    get("post", "/get", { body, query, headers });
  await ask('["a","x"]');
  await ask('["a"]', "min_sequence=1");
  for (const body of ["no json", "[]", "[1]"]) await ask(body);
  await ask('["a"]', "min_sequence=x");
  await ask(" ".repeat(300_000));
  await ask('["a"]', "", { "content-encoding": "br" });
}

/** A body that does not end. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
  });
}

/** Bodies that are given up. */
async function sendEndlessly(
  { service, set, get, checker }: Asked,
): Promise<void> {
  const slow = ["/set", "/delete", "/snapshot"].map((path) =>
    set("post", path, { body: endless() })
  );
  slow.push(get("post", "/get", { body: endless() }));
  service.pass(BODY_TIMEOUT_MS);
  await Promise.all(slow);
  // The same handler, only that it waits for less long.
  const impatient = router(
    { "/import": importFile(service.log.proposer, undefined, 10) },
    () => new Response(null, { status: 404 }),
    new RequestCounts(),
  );
  const request = new Request("http://localhost/import", {
    method: "POST",
    body: endless(),
  });
  await checker.check("post", "/import", await impatient(request));
}

/** A replica that has no log yet, asked for what it answers then. */
async function askWithoutLog(checker: AnswerChecker): Promise<void> {
  const { set, get } = new Asked(new LocalService({ isOpen: false }), checker);
  await set("post", "/set", { body: '{"user_id":"a"}' });
  await set("post", "/delete", { body: '{"user_id":"a"}' });
  for (const path of ["/backup", "/users"]) {
    await set("get", path);
    await set("head", path);
  }
  await set("post", "/import", { body: `${HEADER}a,1,2,3,4\n` });
  await askProbes(set);
  await askProbes(get);
  await get("get", "/get", { query: "user_id=a" });
  await get("head", "/get", { query: "user_id=a" });
  await get("get", "/watch");
  await get("head", "/watch");
  await get("post", "/get", { body: '["a"]' });
  for (const path of ["/status", "/cluster", "/history", "/metrics"]) {
    await get("get", path);
  }
}

/** A replica that restores, and one that knows others. */
async function askOthers(checker: AnswerChecker): Promise<void> {
  const restoring = new LocalService({ isOpen: false });
  const replica = restoring.log.proposer;
  replica.logOpened({ id: "an id", firstSequence: 1, lastSequence: 7 });
  replica.noteRestore({ reason: "a base is restored", rows: 3, percent: 0.5 });
  await askProbes(new Asked(restoring, checker).set);

  const service = new LocalService();
  const { get } = new Asked(service, checker);
  await service.set({ user_id: "a" });
  const hear = (id: string, others: Parameters<typeof heartbeat>[1]) =>
    service.cluster.heard(
      id,
      encodeHeartbeat(heartbeat(id, others)),
      service.now(),
    );
  const { digest } = service.log.proposer;
  hear("equal", { applied_sequence: 1, last_sequence: 1, digest });
  hear("restoring", { state: "restoring", restore: { rows: 1, percent: 50 } });
  hear("without a log", { state: "starting", log_id: null });
  hear("other", { applied_sequence: 1, last_sequence: 1 });
  for (const path of ["/status", "/cluster"]) await get("get", path);
  // Long enough for a sample, and for the others to be gone.
  service.pass(60_000);
  for (const path of ["/cluster", "/history"]) await get("get", path);
}

/** A replica that has made snapshots, and one that can make none. */
async function askSnapshots(checker: AnswerChecker): Promise<void> {
  const service = new LocalService();
  const { set, get } = new Asked(service, checker);
  for (const user_id of ["", "a"]) {
    if (user_id !== "") await service.set({ user_id });
    await set("post", "/snapshot");
    await get("get", "/status");
    await get("get", "/metrics");
  }
  service.snapshots.places.log.problem = "the disk is full";
  service.snapshots.failure = new UnavailableError("the disk is full");
  await set("post", "/snapshot");
  await get("get", "/status");
}

/** Logs that say no more. */
async function askSilentLogs(checker: AnswerChecker): Promise<void> {
  for (
    const [path, body] of [
      ["/set", '{"user_id":"a"}'],
      ["/delete", '{"user_id":"a"}'],
      ["/import", `${HEADER}a,1,2,3,4\n`],
    ]
  ) {
    const service = new LocalService();
    service.log.isSilent = true;
    const { set } = new Asked(service, checker);
    const answered = set("post", path, { body });
    const { sets } = service.log.proposer;
    await eventually(() => assert.ok(sets.pending > sets.queued));
    service.pass(LOCAL_TIMEOUT_MS);
    await answered;
  }
}

Deno.test("answers are as the OpenAPI document says, and all that it says can be had", async () => {
  const service = new LocalService();
  const document = await documentOf(service);
  const checker = new AnswerChecker(document);
  const asked = new Asked(service, checker);
  await askSets(asked, document);
  await askGets(asked, document);
  await askReplacement(asked);
  await askWatches(checker);
  await askMany(asked);
  await askProbes(asked.set);
  await sendEndlessly(asked);
  await askWithoutLog(checker);
  await askOthers(checker);
  await askSnapshots(checker);
  await askSilentLogs(checker);
  // All but 500, which only a fault gives, and what 4XX stands for.
  const unseen = checker.declared().filter((name) => !checker.seen.has(name));
  assert.deepEqual(unseen, []);
});

/** The methods that a path declares. */
function declaredMethods({ paths }: OpenApi, path: string): Method[] {
  const { get, post } = paths[path];
  return METHODS.filter((method) =>
    (method === "post" ? post : get) !== undefined
  );
}

Deno.test("a path answers at the listeners that the OpenAPI document names, by the methods that it names, and nowhere else", async () => {
  const service = new LocalService();
  const document = await documentOf(service);
  const checker = new AnswerChecker(document);
  for (const [path, { servers }] of Object.entries(document.paths)) {
    const methods = declaredMethods(document, path);
    const isOfGet = servers.some(({ url }) => url.endsWith(":8081"));
    const isOfSet = servers.some(({ url }) => url.endsWith(":8080"));
    for (
      const [listener, isOfIt] of [["get", isOfGet], ["set", isOfSet]] as const
    ) {
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]) {
        if (isOfIt && methods.some((one) => one.toUpperCase() === method)) {
          continue;
        }
        const response = await service.send(listener, path, {
          method,
          headers: { authorization: AUTHORIZATION },
        });
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
  return document.paths[path][method === "post" ? "post" : "get"]!.responses;
}

Deno.test("a Host that is none gets the answer of the OpenAPI document for what is wrong otherwise", async () => {
  const service = new LocalService();
  const checker = new AnswerChecker(await documentOf(service));
  // The runtime takes the Host header for the beginning of the URL.
  const response = await service.apps.get(
    new Request("http://a/b/status/", { headers: { host: "a/b" } }),
  );
  assert.equal(response.status, 400);
  await checker.checkOther("get", "/status", response);
});
