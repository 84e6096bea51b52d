import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { BODY_TIMEOUT_MS } from "../../../src/http/server/body.ts";
import { LOCAL_TIMEOUT_MS } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

Deno.test("POST /set reads numbers by value and uses the last of a repeated key", async () => {
  const service = new LocalService();
  const set = async (body: string) => (await service.set(body)).text();
  assert.match(await set('{"user_id":"a","spp":1.0}'), /"spp":1,/);
  assert.match(await set('{"user_id":"a","spp":1e2}'), /"spp":100,/);
  assert.match(await set('{"user_id":"a","spp":-0}'), /"spp":0,/);
  assert.match(await set('{"user_id":"a","spp":1,"spp":2}'), /"spp":2,/);
  assert.match(
    await set('\ufeff{"user_id":"a","spp":-9007199254740991}'),
    /"spp":-9007199254740991,/,
  );
});

Deno.test("POST /set refuses what is not a partial user grade, names the field and stores nothing", async () => {
  const service = new LocalService();
  const cases: [string | Uint8Array, string | undefined][] = [
    ["", undefined],
    ["{", undefined],
    ["not json", undefined],
    [new Uint8Array([0x7b, 0xff, 0x7d]), undefined],
    ["[]", undefined],
    ["null", ""],
    ["1", ""],
    ['"a"', ""],
    ["{}", "user_id"],
    ['{"user_id":""}', "user_id"],
    ['{"user_id":5}', "user_id"],
    ['{"user_id":null}', "user_id"],
    [`{"user_id":"${"é".repeat(128)}x"}`, "user_id"],
    ['{"user_id":"a\\u0000"}', "user_id"],
    ['{"user_id":"a\\u007f"}', "user_id"],
    ['{"user_id":"\\ud800"}', "user_id"],
    ['{"user_id":"a","spp":"1"}', "spp"],
    ['{"user_id":"a","postpaid_limit":1.5}', "postpaid_limit"],
    ['{"user_id":"a","shipping_fee":null}', "shipping_fee"],
    ['{"user_id":"a","return_fee":9007199254740992}', "return_fee"],
    ['{"user_id":"a","return_fee":1e400}', "return_fee"],
    ['{"user_id":"a","spp":true}', "spp"],
    ['{"user_id":"a","spp":[1]}', "spp"],
    ['{"user_id":"a","nope":1}', "nope"],
    ['{"user_id":"a","__proto__":{"spp":1}}', "__proto__"],
    ['{"user_id":"a","constructor":1}', "constructor"],
  ];
  for (const [body, field] of cases) {
    const { errors } = await problem(await service.set(body), 400);
    if (field === undefined) assert.equal(errors, undefined);
    else {
      assert.ok(
        // deno-lint-ignore no-explicit-any -- parsed JSON
        errors.some((error: any) => error.field === field && error.message),
        `${body}: ${JSON.stringify(errors)}`,
      );
    }
  }
  const status = await service.statusJson();
  assert.equal(status.users, 0);
  assert.equal(status.log.last_sequence, 0);
});

Deno.test("POST /set takes ids of 256 bytes, and any id comes back as it was", async () => {
  const service = new LocalService();
  const ids = [
    "x".repeat(256),
    "é".repeat(128),
    "漢".repeat(85),
    "😀".repeat(64),
    ' "quoted\\" ,=#&%+?/',
    "a+b c",
    "\u2028\u0080\ufffd",
    "__proto__",
    "constructor",
  ];
  for (const [spp, user_id] of ids.entries()) {
    const set = await service.set({ user_id, spp });
    assert.equal(set.status, 200, user_id);
    assert.equal((await set.json()).user_id, user_id);
    const got = await service.get(
      `/get?user_id=${encodeURIComponent(user_id)}`,
    );
    assert.equal(got.status, 200, user_id);
    assert.deepEqual(await got.json(), {
      user_id,
      postpaid_limit: 0,
      spp,
      shipping_fee: 0,
      return_fee: 0,
    });
  }
  const plus = await service.get("/get?user_id=a%2Bb+c&x=1");
  assert.equal((await plus.json()).user_id, "a+b c");
});

/** A body that comes in these parts, and has an end if `isWhole`. */
function chunks(parts: readonly string[], isWhole = true) {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const part of parts) controller.enqueue(encoder.encode(part));
      if (isWhole) controller.close();
    },
  });
}

Deno.test("POST /set answers 413 to a body over MAX_BODY_BYTES, by length or in chunks", async () => {
  const service = new LocalService({ bodyBytesMax: 100 });
  const fits = JSON.stringify({ user_id: "x" }).padEnd(100);
  const half = " ".repeat(50);
  for (const body of [fits, chunks([half, fits.slice(0, 50)])]) {
    const response = await service.set(body);
    assert.equal(response.status, 200, await response.text());
  }
  for (const body of [fits + " ", chunks([half, half, " "])]) {
    const { detail } = await problem(await service.set(body), 413);
    assert.match(detail, /at most 100 bytes/);
  }
  // No byte of the body is needed to say so.
  const announced = await service.set(chunks([], false), {
    headers: { "content-length": "1000000" },
  });
  await problem(announced, 413);
});

Deno.test("POST /set answers 408 to a body that does not arrive in 10 s, and the others meanwhile", async () => {
  const service = new LocalService();
  const slow = [
    service.set(chunks(['{"user'], false), {
      headers: { "content-length": "20" },
    }),
    service.set(chunks(["abc"], false)),
  ];
  service.pass(BODY_TIMEOUT_MS - 1_000);
  const other = await service.set({ user_id: "a" });
  assert.equal(other.status, 200, await other.text());
  service.pass(1_000);
  for (const response of await Promise.all(slow)) {
    assert.match((await problem(response, 408)).detail, /within 10 s/);
    assert.equal(response.headers.get("connection"), "close");
  }
  assert.equal((await service.statusJson()).users, 1);
});

Deno.test("POST /set answers 503 before its replica is ready, and 504 when the log does not say what became of the set", async () => {
  const starting = new LocalService({ isOpen: false });
  const refused = await starting.set({ user_id: "a" });
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.match((await problem(refused, 503)).detail, /\(starting\)/);

  const service = new LocalService();
  service.log.isSilent = true;
  const sent = service.set({ user_id: "a" });
  // Until the set is in a batch.
  await sleep(0);
  const queued = service.set({ user_id: "b" });
  await sleep(0);
  service.pass(LOCAL_TIMEOUT_MS);
  assert.match((await problem(await sent, 504)).detail, /outcome is unknown/);
  await problem(await queued, 503);
});
