import assert from "node:assert/strict";
import { BODY_TIMEOUT_MS } from "../../../src/http/server/body.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

const empty = new LocalService().log.proposer.digest;

Deno.test("POST /delete deletes a user, says whether there was one, and is harmless to repeat", async () => {
  const service = new LocalService();
  await service.set({ user_id: 'a"', spp: 1, return_fee: 2 });
  for (const [sequence, existed] of [[2, true], [3, false]] as const) {
    const response = await service.delete({ user_id: 'a"' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.equal(response.headers.get("log-sequence"), `${sequence}`);
    assert.equal(
      await response.text(),
      JSON.stringify({ user_id: 'a"', existed }),
    );
    assert.equal((await service.get("/get?user_id=a%22")).status, 404);
  }
  const { users, digest } = await service.statusJson();
  assert.deepEqual({ users, digest }, { users: 0, digest: empty });
  // A later set starts from zeros.
  const again = await service.set({ user_id: 'a"', spp: 5 });
  const { postpaid_limit, spp, return_fee } = await again.json();
  assert.deepEqual([postpaid_limit, spp, return_fee], [0, 5, 0]);
});

Deno.test("POST /delete with an array deletes all in order as one entry", async () => {
  const service = new LocalService();
  await service.set([{ user_id: "a" }, { user_id: "b" }, { user_id: "c" }]);
  const response = await service.delete(
    ["b", "x", "a", "b"].map((user_id) => ({ user_id })),
  );
  assert.equal(response.headers.get("log-sequence"), "2");
  assert.deepEqual(await response.json(), [
    { user_id: "b", existed: true },
    { user_id: "x", existed: false },
    { user_id: "a", existed: true },
    { user_id: "b", existed: false },
  ]);
  assert.equal((await service.statusJson()).users, 1);
  const many = await service.get("/get", {
    method: "POST",
    body: '["a","b","c"]',
  });
  const grades = await many.json();
  assert.deepEqual([grades[0], grades[1]], [null, null]);
  assert.equal(grades[2].user_id, "c");
});

Deno.test("POST /delete refuses what is not exactly a user_id, or an array of them, and deletes nothing", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a" });
  const wrong: [unknown, string][] = [
    [{}, "user_id"],
    [{ user_id: "" }, "user_id"],
    [{ user_id: 1 }, "user_id"],
    [{ user_id: "a\u0000" }, "user_id"],
    [{ user_id: "x".repeat(257) }, "user_id"],
    [{ user_id: "a", spp: 1 }, "spp"],
    [{ user_id: "a", deleted: true }, "deleted"],
    [null, ""],
    ["a", ""],
    [1.5, ""],
  ];
  for (const [value, field] of wrong) {
    const one = await problem(await service.delete(value), 400);
    assert.equal(one.errors[0].field, field, JSON.stringify(value));
    assert.equal(one.errors[0].index, undefined);
    const many = await problem(
      await service.delete([{ user_id: "a" }, value]),
      400,
    );
    assert.deepEqual([many.errors[0].index, many.errors[0].field], [1, field]);
  }
  for (const body of ["", "{", "[]", "[", '{"user_id":"a"}x']) {
    await problem(await service.ask("/delete", { body }), 400);
  }
  const asked = await service.ask("/delete?user_id=a", {
    body: '{"user_id":"a"}',
  });
  assert.match((await problem(asked, 400)).detail, /^A deletion has no param/);
  assert.equal(service.log.entries.length, 1);
  assert.equal((await service.get("/get?user_id=a")).status, 200);
});

Deno.test("POST /delete limits its body as a set's, and is refused before its replica is ready", async () => {
  const service = new LocalService({ bodyBytesMax: 100 });
  const body = '{"user_id":"a"}';
  const long = await service.ask("/delete", { body: body.padEnd(101) });
  await problem(long, 413);
  const slow = service.ask("/delete", {
    body: new ReadableStream<Uint8Array>(),
  });
  service.pass(BODY_TIMEOUT_MS);
  await problem(await slow, 408);
  const packed = await service.ask("/delete", {
    body,
    headers: { "content-encoding": "gzip" },
  });
  await problem(packed, 415);

  const starting = new LocalService({ isOpen: false });
  const refused = await starting.delete({ user_id: "a" });
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.match(
    (await problem(refused, 503)).detail,
    /changes now \(starting\)/,
  );
});
