import assert from "node:assert/strict";
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

/** Reads what is polled: nothing of it depends on parameters. */
const IS_MONITORING = /^\/(status|cluster|history|metrics|healthz|readyz)$/;

const BODIES: Record<string, string> = {
  "/set": '{"user_id":"a"}',
  "/delete": '{"user_id":"a"}',
  "/import": "user_id,spp\na,1\n",
  "/get": '["a"]',
};

/** All requests that get or change user grades, with their parameters. */
const REQUESTS = Object.entries(paths)
  .filter(([path]) => !IS_MONITORING.test(path))
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

Deno.test("a request that gets or changes user grades refuses a parameter that it does not have, and names it and those that it has", async () => {
  const service = new LocalService();
  assert.deepEqual(
    REQUESTS.map(({ method, path }) => `${method} ${path}`).sort(),
    [
      ...["GET /backup", "GET /get", "GET /users", "GET /watch"],
      ...["POST /delete", "POST /get", "POST /import", "POST /set"],
      "POST /snapshot",
    ],
  );
  for (const { path, names, ...init } of REQUESTS) {
    const given = path === "/get" && init.method === "GET" ? "user_id=a&" : "";
    for (
      const [query, field] of [
        ["min_sequnce=5", "min_sequnce"],
        ["User_Id=a", "User_Id"],
        ["a%5B%5D", "a[]"],
        ["=1", ""],
        ["__proto=1&then=x&_=1", "then"],
      ]
    ) {
      const answer = await service.ask(`${path}?${given}${query}`, init);
      const { detail, errors } = await problem(answer, 400);
      assert.equal(errors[0].field, field);
      assert.ok(detail.includes(JSON.stringify(field)), detail);
      for (const name of names) assert.ok(detail.includes(name), detail);
      if (names.length === 0) assert.match(detail, /leave it out$/);
    }
    const many = Array.from({ length: 99 }, (_, i) => `${i}`.padEnd(500, "x"));
    const long = await service.ask(`${path}?${given}${many.join("&")}`, init);
    assert.ok((await problem(long, 400)).detail.length < 1_000);
    const badly = await service.ask(`${path}?${given}x%ff`, init);
    assert.match((await problem(badly, 400)).detail, /percent-encoded/);
  }
  assert.equal((await service.statusJson()).log.last_sequence, 0);
});

Deno.test("a parameter whose name begins with _ is ignored, so that clients can pass caches", async () => {
  for (const { path, method, ...init } of REQUESTS) {
    const service = new LocalService();
    await service.set({ user_id: "a" });
    const query = path === "/get" && method === "GET" ? "user_id=a&" : "";
    const answer = await service.ask(`${path}?${query}_=17&&_x`, {
      method,
      ...init,
    });
    assert.equal(answer.status, 200, `${method} ${path}`);
    await answer.body?.cancel();
  }
});

Deno.test("what monitors poll ignores all parameters", async () => {
  const service = new LocalService();
  for (
    const path of Object.keys(paths).filter((one) => IS_MONITORING.test(one))
  ) {
    const answer = await service.get(`${path}?min_sequence=5&x=%ff`);
    assert.equal(answer.status, 200, path);
    await answer.text();
  }
});
