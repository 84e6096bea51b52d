import assert from "node:assert/strict";
import {
  changesVersion,
  fenceSubject,
  isFenceSubject,
  isUnknownVersion,
} from "../../../src/log/jetstream/subjects.ts";

const permissions = "none";

Deno.test({
  name: "the subject of fences is that of no replica",
  permissions,
  fn: () => {
    assert.equal(fenceSubject("USERGRADE"), "usergrade.v2.set.$heal");
    assert.ok(isFenceSubject(fenceSubject("Other-1")));
    assert.ok(!isFenceSubject("usergrade.v2.set.heal"));
    assert.ok(!isFenceSubject("usergrade.x.v2.set.$heal"));
  },
});

Deno.test({
  name: "an entry's subject tells a known version, a later one, and none",
  permissions,
  fn: () => {
    const versions: [string, number | undefined, boolean][] = [
      ["usergrade.v1.set.a", 1, false],
      ["usergrade.v2.set.a", 2, false],
      ["usergrade.v3.set.a", undefined, true],
      ["usergrade.v10.set.a", undefined, true],
      ["usergrade.v20.set.a", undefined, true],
      ["usergrade.v0.set.a", undefined, false],
      ["usergrade.x.set.a", undefined, false],
      ["usergrade.v2.set.$heal", undefined, false],
      ["usergrade.v2.set.$heal.a", 2, false],
      ["usergrade.v1.set.$heal", 1, false],
      ["usergrade.v3.set.$heal", undefined, true],
      ["usergrade", undefined, false],
    ];
    for (const [subject, known, unknown] of versions) {
      assert.equal(changesVersion(subject), known, subject);
      assert.equal(isUnknownVersion(subject), unknown, subject);
    }
  },
});
