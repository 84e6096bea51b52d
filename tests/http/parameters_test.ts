import assert from "node:assert/strict";
import { AUTHORIZATION } from "../support/credentials.ts";
import { LocalService } from "../support/local_service.ts";
import { openApiDocument } from "../../src/http/openapi_document.ts";
import { problem } from "../support/problem.ts";

interface Operation {
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
  }[];
}

const { paths } = JSON.parse(openApiDocument({
  version: "1",
  urls: { set: "http://127.0.0.1:8080", get: "http://127.0.0.1:8081" },
})) as { paths: Record<string, Record<"get" | "post", Operation>> };

/** These ignore parameters that they do not have, as version 1.0 did. */
const IS_LENIENT =
  /^\/(get|backup|status|cluster|history|metrics|healthz|readyz)$/;

const BODIES: Record<string, string> = {
  "/set": '{"user_id":"a"}',
  "/delete": '{"user_id":"a"}',
  "/import": "user_id,spp\na,1\n",
};

/** All other requests, with their parameters. */
const REQUESTS = Object.entries(paths)
  .filter(([path]) => !IS_LENIENT.test(path))
  .flatMap(([path, { get, post }]) => [
    ...(get === undefined ? [] : [["GET", path, get] as const]),
    ...(post === undefined ? [] : [["POST", path, post] as const]),
  ]).map(([method, path, { parameters = [] }]) => ({
    method,
    path,
    names: parameters.filter((one) => one.in === "query")
      .map(({ name }) => name),
    ...(method === "POST" && path in BODIES && { body: BODIES[path] }),
  }));

Deno.test("a request that changes something, watches or searches refuses a parameter that it does not have, and names it and those that it has", async () => {
  const service = new LocalService();
  assert.deepEqual(
    REQUESTS.map(({ method, path }) => `${method} ${path}`).sort(),
    [
      ...["GET /users", "GET /watch", "POST /delete", "POST /import"],
      ...["POST /set", "POST /snapshot"],
    ],
  );
  for (const { path, names, ...init } of REQUESTS) {
    for (
      const [query, field] of [
        ["min_sequnce=5", "min_sequnce"],
        ["User_Id=a", "User_Id"],
        ["a%5B%5D", "a[]"],
        ["=1", ""],
        ["__proto__=1", "__proto__"],
      ]
    ) {
      const answer = await service.ask(`${path}?${query}`, init);
      const { detail, errors } = await problem(answer, 400);
      assert.equal(errors[0].field, field);
      assert.ok(detail.includes(JSON.stringify(field)), detail);
      for (const name of names) assert.ok(detail.includes(name), detail);
      if (names.length === 0) assert.match(detail, /leave it out$/);
    }
    const many = Array.from({ length: 99 }, (_, i) => `${i}`.padEnd(500, "x"));
    const long = await service.ask(`${path}?${many.join("&")}`, init);
    assert.ok((await problem(long, 400)).detail.length < 1_000);
    const badly = await service.ask(`${path}?x%ff`, init);
    assert.match((await problem(badly, 400)).detail, /percent-encoded/);
  }
  assert.equal((await service.statusJson()).log.last_sequence, 0);
});

Deno.test("a get, a backup and what monitors poll ignore parameters that they do not have", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a" });
  const query = "user_id=a&min_sequnce=5&_=1&__proto__=2&x=%ff";
  const paths = ["/get", "/backup", "/status", "/cluster", "/history"];
  for (const path of [...paths, "/metrics", "/healthz", "/readyz"]) {
    const listener = path === "/backup" ? "set" : "get";
    const answer = await service.send(listener, `${path}?${query}`, {
      headers: { authorization: AUTHORIZATION },
    });
    assert.equal(answer.status, 200, path);
    await answer.body?.cancel();
  }
  const many = await service.get("/get?x=1", { method: "POST", body: '["a"]' });
  assert.equal(many.status, 200);
});
