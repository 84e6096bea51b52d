import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import fc from "fast-check";
import { openApiDocument } from "../../src/http/openapi_document.ts";
import { OTHER_ROUTE } from "../../src/http/server/request_counts.ts";
import { NUMBER_FIELDS } from "../../src/user_grade.ts";
import { isPatch } from "../../src/user_grade_schema.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { LocalService } from "../support/local_service.ts";

const document = () =>
  JSON.parse(openApiDocument({
    version: "1",
    urls: { set: "http://127.0.0.1:8080", get: "http://127.0.0.1:8081" },
  }));

Deno.test("the OpenAPI document is valid by the specification's own schema", async () => {
  const { valid, errors } = await new Validator().validate(document());
  assert.ok(valid, JSON.stringify(errors));
});

/** The routes that are no part of the interface: pages, and what describes it. */
const isPage = (route: string) =>
  /^\/(page(\/.*)?|docs(\/.*)?|openapi\.json)?$/.test(route);

Deno.test("the OpenAPI document has the routes of both listeners but the pages, and no others", () => {
  const { requests } = new LocalService().apps;
  const routes = [...requests.set.routes(), ...requests.get.routes()]
    .map(([route]) => route)
    .filter((route) => route !== OTHER_ROUTE && !isPage(route));
  assert.deepEqual(
    Object.keys(document().paths).sort(),
    [...new Set(routes)].sort(),
  );
});

interface Operation {
  operationId: string;
  description: string;
  tags: string[];
}

Deno.test("each operation of the OpenAPI document has a name of its own, a description, and one group that the document lists", () => {
  const { paths, tags } = document();
  const operations = Object.values<Record<string, Operation>>(paths).flatMap(
    ({ get, post }) => [get, post].filter((one) => one !== undefined),
  );
  const names = operations.map(({ operationId }) => operationId);
  for (const name of names) assert.match(name, /^[a-z]+[A-Z][A-Za-z]+$/);
  assert.equal(new Set(names).size, names.length);
  const groups = tags.map(({ name }: { name: string }) => name);
  for (const { description, tags } of operations) {
    assert.match(description, /\.$/);
    assert.equal(tags.length, 1);
    assert.ok(groups.includes(tags[0]));
  }
});

/** Every schema in a part of a document. */
function* schemas(part: unknown): Generator<Record<string, unknown>> {
  if (typeof part !== "object" || part === null) return;
  const schema = part as Record<string, unknown>;
  if ("type" in schema || "anyOf" in schema) yield schema;
  for (const inner of Object.values(part)) yield* schemas(inner);
}

Deno.test("the OpenAPI document says how wide each number is, and has no union with null or an array", () => {
  let numbers = 0;
  for (const { type, format, anyOf } of schemas(document())) {
    const types = [type].flat();
    if (types.includes("integer") || types.includes("number")) {
      assert.match(String(format), /^(int32|int64|double)$/);
      numbers++;
    }
    // Generators of Java take the first.
    if (types.includes("array")) assert.equal(types[0], "array");
    for (const one of (anyOf ?? []) as Record<string, unknown>[]) {
      assert.notEqual(one.type, "array");
      // A named schema can be null no other way.
      const isNamed = (anyOf as object[]).some((two) => "$ref" in two);
      assert.ok(one.type !== "null" || isNamed);
    }
  }
  assert.ok(numbers > 50);
});

/** An answer as the document has it. */
interface Declared {
  content: Record<string, { example?: { title: string; status: number } }>;
}

Deno.test("each error of the OpenAPI document has an example of its own status", () => {
  const { paths } = document();
  let examples = 0;
  for (const { get, post } of Object.values<Record<string, never>>(paths)) {
    for (const { responses } of [get, post].filter((one) => one as unknown)) {
      for (const [status, answer] of Object.entries<Declared>(responses)) {
        const error = answer.content?.["application/problem+json"];
        if (error === undefined) continue;
        assert.equal(error.example?.status, Number(status));
        assert.notEqual(error.example.title === "Not Found", status !== "404");
        examples++;
      }
    }
  }
  assert.ok(examples > 40);
});

Deno.test("the OpenAPI document lets answers grow, and no requests", () => {
  const { components: { schemas } } = document();
  const closed = Object.keys(schemas)
    .filter((name) => schemas[name].additionalProperties === false);
  assert.deepEqual(closed.sort(), [
    "DeleteRequest",
    "Deletion",
    "PartialUserGrade",
    "SetRequest",
  ]);
});

Deno.test("both listeners serve the OpenAPI document, with the URLs by which the client knows them", async () => {
  const service = new LocalService();
  const urls = async (listener: "set" | "get", host: string) => {
    const response = await service.send(listener, "/openapi.json", {
      headers: { host, authorization: AUTHORIZATION },
    });
    assert.equal(response.status, 200);
    const { servers, paths } = await response.json();
    return [servers[0].url, paths["/set"].servers[0].url];
  };
  const expected = ["http://10.0.0.1:8081", "http://10.0.0.1:8080"];
  assert.deepEqual(await urls("get", "10.0.0.1:8081"), expected);
  assert.deepEqual(await urls("set", "10.0.0.1:8080"), expected);
  // Behind another port, as a container's.
  assert.deepEqual(await urls("get", "[::1]:32768"), [
    "http://[::1]:32768",
    "http://[::1]:8080",
  ]);
  // What the runtime's URL takes for a host must not end the JSON string.
  assert.deepEqual(await urls("get", 'a"b:1'), [
    'http://a"b:1',
    'http://a"b:8080',
  ]);
  for (const host of ["a/b", "a?b", "a b", ""]) {
    const headers = { host };
    const { status } = await service.get("/openapi.json", { headers });
    assert.equal(status, 400, host);
  }
});

/** Nearly a partial user grade, of the fields' every kind of value. */
const nearlyPatch = fc.record({
  user_id: fc.oneof(
    { weight: 3, arbitrary: fc.string({ minLength: 1 }) },
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.constantFrom("", "a\u0000", "a\u007fb", "\n", "a".repeat(256)),
    fc.constantFrom("a".repeat(257), 1, null),
  ),
  ...Object.fromEntries(
    NUMBER_FIELDS.map((name) => [
      name,
      fc.oneof(
        { weight: 8, arbitrary: fc.maxSafeInteger() },
        fc.constantFrom(0.5, 2 ** 53, -(2 ** 53), "1", null),
      ),
    ]),
  ),
  more: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    fc.constant(1),
  ),
}, { requiredKeys: [] }).map((value) => JSON.parse(JSON.stringify(value)));

Deno.test("the OpenAPI document accepts the same partial user grades as the service", () => {
  // deno-lint-ignore no-explicit-any -- the package's types miss its default
  const ajv = new (Ajv as any)({ strict: false, validateFormats: false });
  ajv.addSchema(document(), "document");
  const taken = ajv.getSchema("document#/components/schemas/PartialUserGrade");
  const seen = new Map<boolean, number>();
  fc.assert(
    fc.property(nearlyPatch, (value) => {
      const isTaken = isPatch(value);
      seen.set(isTaken, (seen.get(isTaken) ?? 0) + 1);
      assert.equal(taken(value), isTaken, JSON.stringify(value));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(seen.get(true)! > 100 && seen.get(false)! > 100);
  // No schema can count bytes, nor see half a character: only these differ.
  for (const user_id of ["ä".repeat(129), "\ud800"]) {
    assert.ok(taken({ user_id }) && !isPatch({ user_id }));
  }
});
