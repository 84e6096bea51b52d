import assert from "node:assert/strict";
import { HealingConditions } from "../../src/replica/healing_conditions.ts";

const permissions = "none";

Deno.test({
  name:
    "HealingConditions keeps apart what ends with the log, what ends with the others, and what never ends",
  permissions,
  fn: () => {
    const conditions = new HealingConditions();
    const type = () => conditions.current?.type;
    const change = (said?: "healing" | "unhealed" | "waiting" | "forked") => {
      conditions.change(said && { type: said, reason: `is ${said}` });
      return type();
    };
    assert.equal(type(), undefined);
    assert.equal(change("waiting"), "waiting");
    assert.equal(change("healing"), "healing");
    assert.equal(change(), "healing");
    assert.equal(change("unhealed"), "unhealed");
    assert.equal(change("waiting"), "unhealed");
    conditions.logIsWhole();
    assert.equal(type(), "waiting");
    assert.equal(change(), undefined);
    // The log was made from a file.
    assert.equal(change("healing"), "healing");
    conditions.logOpened();
    assert.equal(type(), undefined);
    assert.equal(change("forked"), "forked");
    const forked = conditions.current;
    conditions.change({ type: "forked", reason: "another one" });
    assert.equal(change("healing"), "forked");
    assert.equal(change(), "forked");
    conditions.logIsWhole();
    assert.equal(conditions.current, forked);
  },
});
