import assert from "node:assert/strict";
import fc from "fast-check";
import {
  hasStrayUserinfo,
  withoutUserinfo,
} from "../../src/config/url_userinfo.ts";

const permissions = "none";

Deno.test(
  "withoutUserinfo() shows where a URL leads, and nothing of its user and password",
  {
    permissions,
  },
  () => {
    const shown = {
      "http://u:p@a:1/backup": "http://…@a:1/backup",
      "https://token@a": "https://…@a",
      "ftp://u:p@a": "ftp://…@a",
      "http://u:p@ss/w@a:1": "http://…@a:1",
      "HTTP://u:p@a": "HTTP://…@a",
      "http:/u:p@a": "…@a",
      "u:p@a/backup": "…@a/backup",
      "u@b:p@a/backup": "…@a/backup",
      "http://a:1/backup": "http://a:1/backup",
      "grades.csv": "grades.csv",
      "of ann@home.csv": "of ann@home.csv",
      "": "",
    };
    for (const [text, expected] of Object.entries(shown)) {
      assert.equal(withoutUserinfo(text), expected);
    }
  },
);

Deno.test("withoutUserinfo() hides any password, escaped or not", {
  permissions,
}, () => {
  fc.assert(fc.property(
    fc.constantFrom("", "http://", "https:", "nats://", "ftp://", "http:\\\\"),
    fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom("@", "ann@home")),
    fc.string({ minLength: 1 }).map((one) => `<${one}>`),
    (scheme, user, password) => {
      const text = `${scheme}${user}:${password}@host:8080/backup`;
      assert.ok(!withoutUserinfo(text).includes(password), text);
    },
  ));
});

Deno.test(
  "hasStrayUserinfo() finds what a character of the password made a path of",
  {
    permissions,
  },
  () => {
    for (const end of "/?#") {
      assert.ok(hasStrayUserinfo(new URL(`http://u:12${end}34@a`)), end);
    }
    for (const url of ["http://u:p%40@a/b", "http://a/b%40c?d#e"]) {
      assert.ok(!hasStrayUserinfo(new URL(url)), url);
    }
  },
);
