import assert from "node:assert/strict";
import { SetListener } from "../../src/cli/set_listener.ts";

Deno.test(
  "SetListener.at() takes the service's URL, or that of the path itself",
  {
    permissions: "none",
  },
  () => {
    const at = (url: string) =>
      new SetListener(url, { user: "u", password: "p" }).at("/backup");
    for (const url of ["http://a:1", "http://a:1/", "http://u:p@a:1/backup/"]) {
      assert.equal(at(url), "http://a:1/backup");
    }
    assert.equal(at("https://a/grades"), "https://a/grades/backup");
    assert.equal(at("https://a/grades/backup"), "https://a/grades/backup");
    assert.equal(at("https://a/my-backup"), "https://a/my-backup/backup");
  },
);
