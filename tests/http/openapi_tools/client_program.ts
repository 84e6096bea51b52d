/**
 * A program that uses the service by the types of its OpenAPI document.
 *
 * @module
 */

/**
 * Its text, since it has the types only where they were generated. Its
 * arguments are the URLs of the set and the get listener, and the value of
 * the `Authorization` header. Lines marked with `@ts-expect-error` are wrong by
 * the types; the compiler refuses the program if they are right.
 */
export const CLIENT_PROGRAM = `
import assert from "node:assert/strict";
import createClient from "npm:openapi-fetch@0.17.0";
import type { components, paths } from "./types.ts";

const [setUrl, getUrl, authorization] = Deno.args;
const open = createClient<paths>({ baseUrl: getUrl });
const closed = createClient<paths>({ baseUrl: setUrl });
const set = createClient<paths>({
  baseUrl: setUrl,
  headers: { authorization },
});
type UserGrade = components["schemas"]["UserGrade"];
const ann: UserGrade = {
  user_id: "ann",
  postpaid_limit: 2 ** 40,
  spp: -1,
  shipping_fee: 3,
  return_fee: 0,
};

// A set, many sets, a partial set.
const first = await set.POST("/set", { body: ann });
assert.deepEqual(first.data, ann);
const many = await set.POST("/set", {
  body: [{ user_id: "bob", spp: 1 }, { user_id: "cid" }],
});
assert.ok(Array.isArray(many.data));
assert.deepEqual(many.data.map(({ user_id, spp }) => [user_id, spp]), [
  ["bob", 1],
  ["cid", 0],
]);
await set.POST("/set", { body: { user_id: "ann", return_fee: 7 } });

// Refusals: wrong values, no credentials.
const wrongFields = (error: object | undefined) => {
  assert.ok(error !== undefined && "errors" in error);
  const { errors } = error as components["schemas"]["ValidationProblem"];
  return errors?.map(({ field }) => field);
};
// @ts-expect-error a set without user_id
const unnamed = await set.POST("/set", { body: { spp: 1 } });
assert.equal(unnamed.response.status, 400);
assert.deepEqual(wrongFields(unnamed.error), ["user_id"]);
// @ts-expect-error a number as text
const worded = await set.POST("/set", { body: { user_id: "a", spp: "1" } });
assert.deepEqual(wrongFields(worded.error), ["spp"]);
const refused = await closed.POST("/set", { body: { user_id: "ann" } });
assert.equal(refused.error?.status, 401);

// Gets of one and of many.
const query = { user_id: "ann" };
const found = await open.GET("/get", { params: { query } });
const grade: UserGrade | undefined = found.data;
assert.deepEqual(grade, { ...ann, return_fee: 7 });
const missing = await open.GET("/get", {
  params: { query: { user_id: "nobody" } },
});
assert.equal(missing.response.status, 404);
assert.match(missing.error!.detail, /No user/);
// @ts-expect-error a get of nobody
const nameless = await open.GET("/get", { params: { query: {} } });
assert.equal(nameless.response.status, 400);
const both = await open.POST("/get", { body: ["bob", "nobody"] });
assert.deepEqual(both.data?.map((user) => user?.spp), [1, undefined]);

// A deletion.
const gone = await set.POST("/delete", { body: { user_id: "cid" } });
assert.deepEqual(gone.data, { user_id: "cid", existed: true });

// A search by the beginning of ids.
const users = await set.GET("/users", { params: { query: { prefix: "a" } } });
assert.deepEqual(users.data?.users.map(({ user_id }) => user_id), ["ann"]);
assert.equal(users.data.next, null);

// What is known about replicas.
const status = await open.GET("/status");
assert.equal(status.data?.users, 2);
const sequence: number = status.data.log.applied_sequence;
assert.equal(sequence, 4);
const cluster = await open.GET("/cluster");
assert.equal(cluster.data?.replicas.length, 1);

// A backup, and an import of it and of text.
const backup = await set.GET("/backup", { parseAs: "arrayBuffer" });
const bytes: ArrayBuffer = backup.data!;
assert.deepEqual([...new Uint8Array(bytes, 0, 2)], [0x1f, 0x8b]);
assert.equal(backup.response.headers.get("log-sequence"), "4");
const restored = await set.POST("/import", {
  // The types take bytes for a string.
  body: "",
  bodySerializer: () => bytes,
});
assert.equal(restored.data?.rows, 2);
const imported = await set.POST("/import", {
  body: "user_id,spp\\ndan,5\\n",
  bodySerializer: (text) => text,
});
assert.equal(imported.data?.rows, 1);
const unread = await set.POST("/import", {
  body: "nonsense",
  bodySerializer: (text) => text,
});
assert.equal(unread.error?.status, 400);
`;
