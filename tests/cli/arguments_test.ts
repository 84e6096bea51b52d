import assert from "node:assert/strict";
import { parseArguments } from "../../src/cli/arguments.ts";
import { help } from "../../src/cli/help.ts";

const permissions = "none";

Deno.test("parseArguments() reads every command", { permissions }, () => {
  assert.deepEqual(parseArguments([]), { type: "serve", isWatched: false });
  assert.deepEqual(parseArguments(["import", "a", "-", "--to", "http://b"]), {
    type: "import",
    sources: ["a", "-"],
    isReplacing: false,
    target: "http://b",
  });
  assert.deepEqual(parseArguments(["import", "--replace", "a"]), {
    type: "import",
    sources: ["a"],
    isReplacing: true,
    target: undefined,
  });
  assert.deepEqual(parseArguments(["backup"]), {
    type: "backup",
    file: undefined,
    source: undefined,
  });
  assert.deepEqual(parseArguments(["backup", "-", "--from", "http://b"]), {
    type: "backup",
    file: "-",
    source: "http://b",
  });
});

Deno.test("parseArguments() refuses what no command takes, and names it", {
  permissions,
}, () => {
  const cases: [args: string[], message: RegExp][] = [
    [["restore"], /There is no command restore/],
    [["import"], /import needs a FILE or URL/],
    [["import", "-", "-"], /only once/],
    [["import", "a", "b", "--replace"], /--replace takes one FILE/],
    [["backup", "--replace"], /--replace only applies to import/],
    [["--replace"], /--replace only applies to import/],
    [["import", "a", "--from", "http://b"], /--from only applies to backup/],
    [["backup", "a", "b"], /backup writes one FILE/],
    [["backup", "http://a:b@c/backup"], /^[^@]* name the service with --from/],
    [["backup", "--to", "http://b"], /--to only applies to import/],
    [["--to", "http://b"], /--to only applies to import/],
    [["--nope"], /--nope/],
  ];
  for (const [args, message] of cases) {
    assert.throws(() => parseArguments(args), { message });
  }
});

Deno.test("parseArguments() has a help that names every command and option", {
  permissions,
}, () => {
  assert.deepEqual(parseArguments(["--help"]), { type: "help" });
  const text = help();
  for (
    const word of [
      "import",
      "backup",
      "--to",
      "--replace",
      "--from",
      "AUTH_PASSWORD",
    ]
  ) {
    assert.ok(text.includes(word), word);
  }
});
