import assert from "node:assert/strict";
import { LocalService } from "../../support/local_service.ts";

Deno.test("the page's files come from the get listener alone, typed, and are sent once", async () => {
  const service = new LocalService();
  const index = await service.get("/");
  const html = await index.text();
  assert.match(index.headers.get("content-type")!, /^text\/html/);
  const policy = index.headers.get("content-security-policy")!;
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:/);
  assert.doesNotMatch(
    html.replace("http://www.w3.org/2000/svg", ""),
    /https?:/,
  );
  for (const [, path] of html.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)) {
    const response = await service.get(path);
    await response.body?.cancel();
    assert.equal(response.status, 200, path);
    assert.match(
      response.headers.get("content-type")!,
      path.endsWith("css") ? /^text\/css/ : /^text\/javascript/,
    );
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    const again = await service.get(path, {
      headers: { "if-none-match": response.headers.get("etag")! },
    });
    await again.body?.cancel();
    assert.equal(again.status, 304, path);
  }
  const refused = await service.get("/", { method: "POST" });
  await refused.body?.cancel();
  assert.equal(refused.status, 405);
});
