import assert from "node:assert/strict";
import { healingProblem } from "../../../src/log/jetstream/healing_problem.ts";
import { isOldServer } from "../../../src/log/jetstream/server_version.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";

const permissions = "none";

const ID = "0123456789abcdef";
const CONFIG = newStreamConfig("USERGRADE", 1, ID);

Deno.test({
  name:
    "isOldServer() tells servers before 2.10, and takes none that says nothing for one",
  permissions,
  fn: () => {
    for (
      const version of ["0.9.1", "1.4.0", "2.0.0", "2.9.10", "2.9.23-beta"]
    ) {
      assert.ok(isOldServer(version), version);
    }
    for (const version of ["2.10.0", "2.15.1", "3.0.0", "10.1.0", "", "new"]) {
      assert.ok(!isOldServer(version), version);
    }
  },
});

Deno.test({
  name: "healingProblem() says why a log can't be made whole, and what to do",
  permissions,
  fn: () => {
    assert.equal(healingProblem(ID, "2.15.1", CONFIG), undefined);
    assert.equal(healingProblem(ID, "", undefined), undefined);
    const all = { ...CONFIG, subjects: ["usergrade.>"] };
    assert.equal(healingProblem("USERGRADE@then", "2.10.0", all), undefined);
    const narrow = { ...CONFIG, subjects: ["usergrade.v1.set.*"] };
    const problems: [string | undefined, RegExp][] = [
      [healingProblem(ID, "2.9.10", CONFIG), /2\.9\.10.*2\.10 or later/],
      [
        healingProblem(ID, "2.15.1", narrow),
        /nats stream edit USERGRADE --subjects/,
      ],
      [
        healingProblem(ID, "2.15.1", { ...CONFIG, deny_purge: true }),
        /USERGRADE has deny_purge, .*delete the stream while replicas run/,
      ],
      [
        healingProblem("USERGRADE@then", "2.15.1", undefined),
        /made by hand.*USERGRADE@then.*from a copy/,
      ],
    ];
    for (const [problem, words] of problems) assert.match(problem ?? "", words);
  },
});
