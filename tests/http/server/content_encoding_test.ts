import assert from "node:assert/strict";
import { acceptEncodings } from "../../../src/http/server/content_encoding.ts";
import { HttpError } from "../../../src/http/server/problem.ts";

const permissions = "none";

function request(encoding?: string): Request {
  return new Request("http://a/set", {
    method: "POST",
    body: "{}",
    ...(encoding !== undefined && {
      headers: { "content-encoding": encoding },
    }),
  });
}

Deno.test("acceptEncodings() lets a body in a coding that is read through", {
  permissions,
}, () => {
  const plain = acceptEncodings([], () => new Response("read"));
  const gzip = acceptEncodings(["gzip"], () => new Response("read"));
  for (const encoding of [undefined, "identity", "Identity"]) {
    assert.ok(plain(request(encoding), "") instanceof Response);
    assert.ok(gzip(request(encoding), "") instanceof Response);
  }
  for (const encoding of ["gzip", "GZIP"]) {
    assert.ok(gzip(request(encoding), "") instanceof Response);
  }
});

Deno.test(
  "acceptEncodings() answers 415 to any other, names it and says what is accepted",
  {
    permissions,
  },
  () => {
    const cases: [accepted: string[], encoding: string][] = [
      [[], "gzip"],
      [[], "br"],
      [["gzip"], "br"],
      [["gzip"], "zstd"],
      [["gzip"], "gzip, gzip"],
      [["gzip"], ""],
      [["gzip"], "x".repeat(1000)],
    ];
    for (const [accepted, encoding] of cases) {
      const handler = acceptEncodings(accepted, () => new Response("read"));
      assert.throws(() => handler(request(encoding), ""), (error) => {
        assert.ok(error instanceof HttpError);
        assert.equal(error.status, 415);
        assert.ok(error.message.includes(encoding.slice(0, 64)), error.message);
        assert.ok(error.message.length < 200);
        assert.equal(
          error.extras.headers?.["accept-encoding"],
          [...accepted, "identity"].join(", "),
        );
        return true;
      });
    }
  },
);
