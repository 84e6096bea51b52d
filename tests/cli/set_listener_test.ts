import assert from "node:assert/strict";
import { CommandError } from "../../src/cli/command_error.ts";
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

Deno.test(
  "SetListener refuses a URL that it can't use without a word of its password",
  {
    permissions: "none",
  },
  () => {
    for (
      const url of [
        "ftp://ann:secret@a",
        "http://ann:secret@a:port",
        "http://ann:sec/ret@a",
        "http://ann:12/secret@a",
        "http://ann:12?secret@a",
        "http://ann:12#secret@a",
        "ann:secret@a:8080",
        "http://ann:secret%zz@a",
      ]
    ) {
      assert.throws(
        () => new SetListener(url, { user: "u", password: "p" }),
        (error) => {
          assert.ok(error instanceof CommandError);
          assert.doesNotMatch(error.message, /sec|ret|ann:/);
          return true;
        },
        url,
      );
    }
  },
);
