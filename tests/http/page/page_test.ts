import assert from "node:assert/strict";
import { LocalService } from "../../support/local_service.ts";

/** Asks a listener, the set listener with the right credentials. */
type Ask = (
  path: string,
  init?: { method?: string; headers?: Record<string, string> },
) => Promise<Response>;

/** That a page and its files come from its listener alone, typed, and are sent once. */
async function assertPage(ask: Ask, path: string): Promise<void> {
  const index = await ask(path);
  const html = await index.text();
  assert.match(index.headers.get("content-type")!, /^text\/html/);
  const policy = index.headers.get("content-security-policy")!;
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:/);
  assert.doesNotMatch(
    html.replace("http://www.w3.org/2000/svg", ""),
    /https?:|(?:src|href)="\//,
    "relative addresses work behind a proxy's path",
  );
  const files = [...html.matchAll(/(?:src|href)="(page\/[^"]+)"/g)]
    .map(([, file]) => `/${file}`);
  assert.ok(files.length > 1);
  for (const file of files) {
    const response = await ask(file);
    const text = await response.text();
    assert.equal(response.status, 200, file);
    assert.match(
      response.headers.get("content-type")!,
      file.endsWith("css") ? /^text\/css/ : /^text\/javascript/,
    );
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(
      /\b(?:fetch|Request|EventSource|XMLHttpRequest|sendBeacon)\(/.test(text),
      file === "/page/request.js",
      `${file}: all requests are made in one place, without userinfo`,
    );
    files.push(
      ...[...text.matchAll(/from "\.\/([a-z_]+\.js)"/g)]
        .map(([, name]) => `/page/${name}`)
        .filter((one) => !files.includes(one)),
    );
    const again = await ask(file, {
      headers: { "if-none-match": response.headers.get("etag")! },
    });
    await again.body?.cancel();
    assert.equal(again.status, 304, file);
  }
  const refused = await ask(path, { method: "POST" });
  await refused.body?.cancel();
  assert.equal(refused.status, 405);
}

Deno.test("the page's files come from the get listener alone, typed, and are sent once", async () => {
  const service = new LocalService();
  await assertPage((path, init) => service.get(path, init), "/");
});

Deno.test("the page that sets and deletes is all at the set listener, and asks for the password", async () => {
  const service = new LocalService();
  await assertPage((path, init) => service.ask(path, init), "/page");
  for (const path of ["/page", "/page/edit.js", "/get?user_id=a", "/watch"]) {
    const refused = await service.send("set", path);
    await refused.body?.cancel();
    assert.equal(refused.status, 401, path);
    assert.match(refused.headers.get("www-authenticate")!, /^Basic/);
  }
  const slash = await service.ask("/page/?x");
  assert.equal(slash.status, 307);
  assert.equal(slash.headers.get("location"), "../page");
});

Deno.test("the get listener sends a browser to the page at the set listener of the host that it has asked", async () => {
  const service = new LocalService();
  service.apps.setPort = 9090;
  for (
    const [host, location] of [
      ["localhost", "http://localhost:9090/page"],
      ["10.0.0.7:8081", "http://10.0.0.7:9090/page"],
      ["[::1]:8081", "http://[::1]:9090/page"],
      ["user@grades.example", "http://grades.example:9090/page"],
    ]
  ) {
    const response = await service.get("/page", { headers: { host } });
    assert.equal(response.status, 307);
    assert.equal(response.headers.get("location"), location);
  }
  const broken = await service.get("/page", { headers: { host: "a b" } });
  await broken.body?.cancel();
  assert.equal(broken.status, 400);
});

Deno.test("the set listener answers gets and watches as the get listener does, and to no page of another origin", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a", spp: 7 });
  const got = await service.ask("/get", { body: '["a","b"]' });
  assert.equal(got.headers.get("log-sequence"), "1");
  assert.equal((await got.json())[0].spp, 7);
  const watched = await service.ask("/watch?after=0");
  assert.equal(watched.headers.get("content-type"), "text/event-stream");
  await watched.body?.cancel();
  for (const path of ["/get?user_id=a", "/watch", "/page/edit.js"]) {
    const refused = await service.ask(path, {
      headers: { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" },
    });
    await refused.body?.cancel();
    assert.equal(refused.status, 403, path);
  }
});
