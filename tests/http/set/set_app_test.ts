import assert from "node:assert/strict";
import { PASSWORD, USER } from "../../support/credentials.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

Deno.test("the set listener answers 401 without the right credentials", async () => {
  const service = new LocalService();
  const basic = (userinfo: string) =>
    `Basic ${new TextEncoder().encode(userinfo).toBase64()}`;
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
  for (
    const path of [
      "/set",
      "/delete",
      "/backup",
      "/import",
      "/snapshot",
      "/",
      "/nope",
    ]
  ) {
    for (const authorization of wrong) {
      const response = await service.send("set", path, {
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
});

Deno.test("the set listener refuses cross-origin requests of browsers", async () => {
  const service = new LocalService();
  const answers: [Record<string, string>, number][] = [
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ "sec-fetch-site": "none" }, 200],
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "http://localhost" }, 200],
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
});
