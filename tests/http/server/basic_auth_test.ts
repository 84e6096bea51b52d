import assert from "node:assert/strict";
import {
  AUTHORIZATION_CHARACTERS_MAX,
  basicAuth,
  parseBasicAuth,
} from "../../../src/http/server/basic_auth.ts";

Deno.test({
  name: "parseBasicAuth() gives the decoded user and password, or nothing",
  permissions: "none",
  fn: () => {
    const decoder = new TextDecoder();
    const parse = (header: string) => {
      const bytes = parseBasicAuth(header);
      return bytes === undefined ? undefined : decoder.decode(bytes);
    };
    // The example of RFC 7617, section 2.
    assert.equal(
      parse("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
      "Aladdin:open sesame",
    );
    // The example of RFC 7617, section 2.1: a pound sign in UTF-8.
    assert.equal(parse("basic  dGVzdDoxMjPCow== "), "test:123£");
    for (
      const header of [
        "",
        "Basic",
        "Basic ",
        "Bearer YQ==",
        "Basic Y",
        "Basic *",
      ]
    ) assert.equal(parse(header), undefined, header);
  },
});

Deno.test({
  name: "basicAuth() accepts each of its passwords and no other",
  permissions: "none",
  fn: () => {
    const refused = { missing: 0, wrong: 0 };
    const handler = basicAuth(
      { user: "u", passwords: ["old", "new"] },
      () => new Response("in"),
      refused,
    );
    const isAllowed = (authorization: string) => {
      try {
        handler(
          new Request("http://x/", { headers: { authorization } }),
          "",
        );
        return true;
      } catch {
        return false;
      }
    };
    for (const userinfo of ["u:old", "u:new"]) {
      assert.ok(isAllowed(`Basic ${btoa(userinfo)}`));
      assert.ok(isAllowed(`basic  ${btoa(userinfo)} `));
    }
    for (const userinfo of ["u:", "u:oldnew", "u:old\nnew", "x:old", ":old"]) {
      assert.ok(!isAllowed(`Basic ${btoa(userinfo)}`), userinfo);
    }
    const padded = `Basic ${" ".repeat(AUTHORIZATION_CHARACTERS_MAX)}`;
    assert.ok(!isAllowed(padded + btoa("u:old")));
  },
});
