import assert from "node:assert/strict";
import { CommandError } from "../../src/cli/command_error.ts";
import { runImport } from "../../src/cli/import_command.ts";
import { terminalMeter } from "../../src/cli/terminal_meter.ts";

Deno.test("runImport() names a source that it can't read without a word of its password", async () => {
  for (
    const source of [
      "HTTP://ann:sec/ret@a",
      "ftp://ann:secret@a/backup",
      "ann:secret@a/backup",
      "http:/ann:12/secret@a",
      "nats://ann:secret@a",
    ]
  ) {
    await assert.rejects(
      runImport(
        {
          sources: [source],
          target: "http://127.0.0.1:9",
          isReplacing: false,
          login: { user: "u", password: "p" },
        },
        terminalMeter("Import"),
        () => {},
      ),
      (error) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, /^Cannot (read|use) /);
        assert.doesNotMatch(error.message, /sec|ret|ann:/);
        assert.equal(error.cause, undefined);
        return true;
      },
      source,
    );
  }
});
