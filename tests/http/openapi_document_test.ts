import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import fc from "fast-check";
import { openApiDocument } from "../../src/http/openapi_document.ts";
import { editPage, page } from "../../src/http/page/page.ts";
import { OTHER_ROUTE } from "../../src/http/server/request_counts.ts";
import { NUMBER_FIELDS } from "../../src/user_grade.ts";
import { isPatch } from "../../src/user_grade_schema.ts";
import { LocalService } from "../support/local_service.ts";

const document = (host = "127.0.0.1", isTls = false) =>
  JSON.parse(openApiDocument({
    version: "1",
    setListener: { host, isTls, port: 8080 },
  }));

Deno.test("the OpenAPI document is valid by the specification's own schema", async () => {
  const { valid, errors } = await new Validator().validate(document());
  assert.ok(valid, JSON.stringify(errors));
});

Deno.test("the OpenAPI document has the routes of both listeners, and no others", () => {
  const { requests } = new LocalService().apps;
  const routes = [...requests.set.routes(), ...requests.get.routes()]
    .map(([route]) => route).filter((route) => route !== OTHER_ROUTE);
  assert.deepEqual(
    Object.keys(document().paths).sort(),
    [...new Set(routes)].sort(),
  );
});

Deno.test("each operation of the OpenAPI document has a name of its own, but HEAD and the files of the pages", () => {
  const names: string[] = [];
  const { "/page": _, ...files } = { ...page(), ...editPage() };
  for (const [path, item] of Object.entries(document().paths)) {
    for (const method of ["get", "head", "post"]) {
      const operation = (item as Record<string, { operationId?: string }>)[
        method
      ];
      if (operation === undefined) continue;
      const { operationId } = operation;
      if (method === "head" || path in files) {
        assert.equal(operationId, undefined, `${method} ${path}`);
      } else names.push(operationId!);
    }
  }
  for (const name of names) assert.match(name, /^[a-z]+[A-Z][A-Za-z]+$/);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("the OpenAPI document says where the set listener is", () => {
  const variables = (host: string, isTls: boolean) => {
    const { scheme, host: of, port } =
      document(host, isTls).paths["/set"].servers[0].variables;
    return `${scheme.default}://${of.default}:${port.default}`;
  };
  assert.equal(variables("10.0.0.1", false), "http://10.0.0.1:8080");
  assert.equal(variables("::1", true), "https://[::1]:8080");
  // Nobody can ask all addresses.
  assert.equal(variables("0.0.0.0", false), "http://localhost:8080");
  assert.equal(variables("::", false), "http://localhost:8080");
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
