import assert from "node:assert/strict";
import { refuseCrossOrigin } from "../../../src/http/server/cross_origin.ts";
import { HttpError } from "../../../src/http/server/problem.ts";

const permissions = "none";

/** Whether a request with these headers, as a browser sends them, is served. */
function isServed(method: string, headers: Record<string, string>): boolean {
  const handler = refuseCrossOrigin(() => new Response("served"));
  try {
    handler(new Request("http://a:8080/backup", { method, headers }), "");
    return true;
  } catch (error) {
    assert.ok(error instanceof HttpError);
    assert.equal(error.status, 403);
    return false;
  }
}

Deno.test(
  "refuseCrossOrigin() serves a link that was followed from another site",
  {
    permissions,
  },
  () => {
    for (const site of ["cross-site", "same-site"]) {
      const olderLink = {
        "sec-fetch-site": site,
        "sec-fetch-mode": "navigate",
      };
      for (
        const link of [
          { ...olderLink, "sec-fetch-dest": "document" },
          olderLink,
        ]
      ) {
        assert.ok(isServed("GET", link));
        assert.ok(isServed("HEAD", link));
        assert.ok(!isServed("POST", link), "a form that is sent");
      }
    }
  },
);

Deno.test(
  "refuseCrossOrigin() refuses what a page of another site sends or shows within itself",
  {
    permissions,
  },
  () => {
    const cases: [mode: string, dest: string][] = [
      ["no-cors", "image"],
      ["no-cors", "script"],
      ["no-cors", "empty"],
      ["no-cors", "document"],
      ["cors", "empty"],
      ["navigate", ""],
      ["navigate", "iframe"],
      ["navigate", "frame"],
      ["navigate", "object"],
      ["navigate", "embed"],
    ];
    for (const [mode, dest] of cases) {
      for (const method of ["GET", "POST"]) {
        assert.ok(
          !isServed(method, {
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": mode,
            "sec-fetch-dest": dest,
          }),
          `${method} ${mode} ${dest}`,
        );
      }
    }
    for (const mode of ["no-cors", "cors"]) {
      const older = { "sec-fetch-site": "cross-site", "sec-fetch-mode": mode };
      assert.ok(!isServed("GET", older));
    }
    assert.ok(!isServed("POST", { origin: "http://b:8080" }));
  },
);

Deno.test(
  "refuseCrossOrigin() serves its own pages, and clients that are no browsers",
  {
    permissions,
  },
  () => {
    assert.ok(isServed("POST", {}));
    assert.ok(isServed("POST", { "sec-fetch-site": "same-origin" }));
    assert.ok(isServed("GET", { "sec-fetch-site": "none" }));
    assert.ok(isServed("POST", { origin: "http://a:8080" }));
  },
);
