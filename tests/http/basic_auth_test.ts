import assert from "node:assert/strict";
import { parseBasicAuth } from "../../src/http/basic_auth.ts";

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
