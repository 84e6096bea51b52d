import assert from "node:assert/strict";
import { PASSWORD, ServiceProcess, USER } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const encoder = new TextEncoder();

async function withService(
  use: (service: ServiceProcess) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env,
  });
  await use(service);
}

/** The problem that an answer holds, its head checked. */
async function problem(
  response: Response,
  status: number,
  // deno-lint-ignore no-explicit-any -- tests look at its members
): Promise<any> {
  assert.equal(response.status, status);
  assert.equal(
    response.headers.get("content-type"),
    "application/problem+json",
  );
  const body = await response.json();
  assert.equal(body.status, status);
  assert.equal(body.type, "about:blank");
  assert.equal(typeof body.title, "string");
  assert.equal(typeof body.detail, "string");
  return body;
}

Deno.test("POST /set merges partial updates and GET /get answers them", () =>
  withService(async (service) => {
    const first = await service.set({ user_id: "a", spp: 7, return_fee: -1 });
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("content-type"), "application/json");
    assert.equal(first.headers.get("log-sequence"), "1");
    assert.equal(
      await first.text(),
      '{"user_id":"a","postpaid_limit":0,"spp":7,"shipping_fee":0,"return_fee":-1}',
    );
    const second = await service.set(
      '{"user_id":"a","spp":0,"postpaid_limit":9007199254740991}',
    );
    assert.equal(second.headers.get("log-sequence"), "2");
    const whole =
      '{"user_id":"a","postpaid_limit":9007199254740991,"spp":0,"shipping_fee":0,"return_fee":-1}';
    assert.equal(await second.text(), whole);

    const got = await service.get("/get?user_id=a");
    assert.equal(got.status, 200);
    assert.equal(got.headers.get("content-type"), "application/json");
    assert.equal(got.headers.get("log-sequence"), null);
    assert.equal(await got.text(), whole);
    const head = await service.get("/get?user_id=a", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), "");

    const only = await service.set({ user_id: "only" });
    assert.deepEqual(await only.json(), {
      user_id: "only",
      postpaid_limit: 0,
      spp: 0,
      shipping_fee: 0,
      return_fee: 0,
    });
  }));

Deno.test("POST /set reads numbers by value and uses the last of a repeated key", () =>
  withService(async (service) => {
    const set = async (body: string) => (await service.set(body)).text();
    assert.match(await set('{"user_id":"a","spp":1.0}'), /"spp":1,/);
    assert.match(await set('{"user_id":"a","spp":1e2}'), /"spp":100,/);
    assert.match(await set('{"user_id":"a","spp":-0}'), /"spp":0,/);
    assert.match(await set('{"user_id":"a","spp":1,"spp":2}'), /"spp":2,/);
    assert.match(
      await set('\ufeff{"user_id":"a","spp":-9007199254740991}'),
      /"spp":-9007199254740991,/,
    );
  }));

Deno.test("POST /set refuses what is not a partial user grade, names the field and stores nothing", () =>
  withService(async (service) => {
    const cases: [string | Uint8Array, string | undefined][] = [
      ["", undefined],
      ["{", undefined],
      ["not json", undefined],
      [new Uint8Array([0x7b, 0xff, 0x7d]), undefined],
      ["[]", ""],
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
  }));

Deno.test("POST /set takes ids of 256 bytes, and any id comes back as it was", () =>
  withService(async (service) => {
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
  }));

Deno.test("GET /get refuses a query without exactly one user_id, and answers 404 for an unknown user", () =>
  withService(async (service) => {
    await service.set({ user_id: "a" });
    await service.set({ user_id: "\ufffd" });
    for (
      const query of [
        "",
        "?",
        "?user_id",
        "?user_id=",
        "?x=a",
        "?user_id=a&user_id=a",
        "?user_id=%ff",
        "?user_id=%",
        "?user_id=a&min_sequence=",
        "?user_id=a&min_sequence=-1",
        "?user_id=a&min_sequence=1.5",
        "?user_id=a&min_sequence=99999999999999999999",
        "?user_id=a&min_sequence=1&min_sequence=1",
      ]
    ) {
      await problem(await service.get(`/get${query}`), 400);
    }
    for (const id of ["b", "A", "x".repeat(256), "é"]) {
      await problem(await service.get(`/get?user_id=${id}`), 404);
    }
    for (
      const id of ["%00", "a%0a", "a%7F&min_sequence=0", "x".repeat(257)]
    ) {
      const { errors } = await problem(
        await service.get(`/get?user_id=${id}`),
        400,
      );
      assert.equal(errors[0].field, "user_id");
    }
  }));

Deno.test("GET /get with min_sequence waits for it, and says what was applied", () =>
  withService(async (service) => {
    await service.set({ user_id: "a", spp: 1 });
    const at0 = await service.get("/get?user_id=a&min_sequence=0");
    assert.equal(at0.headers.get("log-sequence"), "1");
    await at0.body?.cancel();

    const waiting = service.get("/get?user_id=a&min_sequence=2");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await service.set({ user_id: "a", spp: 2 });
    const answer = await waiting;
    assert.equal(answer.headers.get("log-sequence"), "2");
    assert.equal((await answer.json()).spp, 2);

    const started = performance.now();
    const late = await service.get("/get?user_id=a&min_sequence=99");
    assert.ok(performance.now() - started >= 290);
    assert.equal(late.headers.get("retry-after"), "1");
    await problem(late, 503);
  }, { COMMIT_TIMEOUT_MS: "300" }));

Deno.test("the set listener answers 401 without the right credentials", () =>
  withService(async (service) => {
    const base = service.url("set");
    const basic = (userinfo: string) =>
      `Basic ${encoder.encode(userinfo).toBase64()}`;
    const wrong = [
      undefined,
      "",
      "Basic",
      "Basic ",
      "Basic !!!",
      "Basic YQ",
      "Bearer x",
      basic(""),
      basic(":"),
      basic(USER),
      basic(`${USER}:`),
      basic(`${USER}:${PASSWORD}x`),
      basic(`${USER}:${PASSWORD.slice(1)}`),
      basic(`x:${PASSWORD}`),
      basic(`${USER}:${PASSWORD}`).slice(0, -1) + "x",
    ];
    for (const path of ["/set", "/backup", "/import", "/", "/nope"]) {
      for (const authorization of wrong) {
        const response = await fetch(`${base}${path}`, {
          method: "POST",
          body: '{"user_id":"a"}',
          headers: authorization === undefined ? {} : { authorization },
        });
        assert.equal(
          response.headers.get("www-authenticate"),
          'Basic realm="usergrade", charset="UTF-8"',
        );
        const { detail } = await problem(response, 401);
        assert.ok(!detail.includes(PASSWORD));
      }
    }
    assert.equal((await service.statusJson()).users, 0);
    // Other spellings of the same credentials are right as well (RFC 9110, 11.1).
    for (
      const authorization of [
        basic(`${USER}:${PASSWORD}`).replace("Basic ", "bASIC   "),
        basic(`${USER}:${PASSWORD}`).replace(/=+$/, ""),
      ]
    ) {
      const response = await service.set('{"user_id":"a"}', {
        headers: { authorization },
      });
      assert.equal(response.status, 200, authorization);
      await response.body?.cancel();
    }
  }));

Deno.test("the set listener refuses cross-origin requests of browsers", () =>
  withService(async (service) => {
    const own = new URL(service.url("set")).host;
    const answers: [Record<string, string>, number][] = [
      [{ "sec-fetch-site": "cross-site" }, 403],
      [{ "sec-fetch-site": "same-site" }, 403],
      [{ "sec-fetch-site": "same-origin" }, 200],
      [{ "sec-fetch-site": "none" }, 200],
      [{ origin: "https://evil.example" }, 403],
      [{ origin: "null" }, 403],
      [{ origin: `http://${own}` }, 200],
      [{}, 200],
    ];
    for (const [headers, status] of answers) {
      const response = await service.set({ user_id: "a" }, { headers });
      if (status === 403) await problem(response, 403);
      else {
        assert.equal(response.status, 200, JSON.stringify(headers));
        await response.body?.cancel();
      }
    }
  }));

Deno.test("both listeners answer 405 with Allow, 404, and their probes", () =>
  withService(async (service) => {
    const wrongMethod = await service.set(null, { method: "PUT" });
    assert.equal(wrongMethod.headers.get("allow"), "POST");
    await problem(wrongMethod, 405);
    const posted = await service.get("/get?user_id=a", { method: "POST" });
    assert.equal(posted.headers.get("allow"), "GET, HEAD");
    await problem(posted, 405);
    await problem(await service.get("/nope"), 404);
    await problem(await service.get("/set"), 404);
    for (const listener of ["set", "get"] as const) {
      const health = await fetch(`${service.url(listener)}/healthz`);
      assert.equal(health.status, 200);
      await health.body?.cancel();
      const ready = await fetch(`${service.url(listener)}/readyz`);
      assert.equal(ready.status, 200);
      const body = await ready.json();
      assert.equal(body.state, "ready");
      assert.equal(typeof body.reason, "string");
    }
    const slash = await service.get("/status/");
    assert.equal((await slash.json()).state, "ready");
  }));

Deno.test("GET /status says what the contract says", () =>
  withService(async (service) => {
    await service.set({ user_id: "a", spp: 1 });
    await service.set({ user_id: "b", spp: 1 });
    const status = await service.statusJson();
    assert.deepEqual(Object.keys(status), [
      "replica_id",
      "version",
      "mode",
      "state",
      "log",
      "users",
      "digest",
      "uptime_s",
      "diverged",
    ]);
    assert.match(status.log.id, /^[0-9a-f]{16}$/);
    assert.match(status.digest, /^[0-9a-f]{16}$/);
    assert.ok(status.uptime_s > 0 && status.uptime_s < 60);
    assert.deepEqual(
      { ...status, log: { ...status.log, id: "" }, digest: "", uptime_s: 0 },
      {
        replica_id: "me",
        version: "1.0.0",
        mode: "standalone",
        state: "ready",
        log: {
          id: "",
          first_sequence: 1,
          last_sequence: 2,
          applied_sequence: 2,
          lag: 0,
          connected: true,
        },
        users: 2,
        digest: "",
        uptime_s: 0,
        diverged: false,
      },
    );
  }, { REPLICA_ID: "me" }));
