import assert from "node:assert/strict";
import { banner } from "../../src/cli/banner.ts";

Deno.test({
  name: "banner() has the addresses, and commands with the right ports",
  permissions: "none",
  fn: () => {
    const text = banner({
      version: "1.2.3",
      user: "admin",
      urls: { set: "https://10.0.0.1:5000", get: "https://10.0.0.1:5001" },
    });
    assert.ok(text.startsWith("UserGrade 1.2.3\n"));
    for (
      const part of [
        "https://10.0.0.1:5001/\n",
        "https://10.0.0.1:5000/page ",
        "curl -u admin https://10.0.0.1:5000/set -d '{",
        "curl 'https://10.0.0.1:5001/get?user_id=ann'",
      ]
    ) assert.ok(text.includes(part), part);
    assert.doesNotMatch(text, /all addresses/);
  },
});

Deno.test({
  name:
    "banner() names an address that a client can use, and quotes a user for a shell",
  permissions: "none",
  fn: () => {
    const of = (set: string, user = "admin") =>
      banner({ version: "1", user, urls: { set, get: "http://127.0.0.1:2" } });
    const open = of("http://0.0.0.0:1");
    assert.match(open, / http:\/\/127\.0\.0\.1:1\/set /);
    assert.match(open, /all addresses/);
    assert.match(of("http://[::]:1"), / http:\/\/\[::1\]:1\/set /);
    assert.match(of("http://x:1", "it's $me"), /-u 'it'\\''s \$me' /);
  },
});
