import assert from "node:assert/strict";
import { CutRule } from "./cut_rule.ts";

Deno.test({
  name:
    "CutRule allows cuts behind the older of two marked snapshots, and no others",
  permissions: "none",
  fn: () => {
    const rule = new CutRule();
    rule.sure();
    rule.marked("a", 7);
    assert.match(rule.faultOf(7)!, /cuts the log at 7, .* at 0 and 7$/);
    rule.marked("a", 7);
    assert.ok(rule.faultOf(7));
    rule.marked("b", 20);
    assert.equal(rule.faultOf(7), undefined);
    assert.ok(rule.faultOf(8));
    rule.marked("c", 15);
    assert.equal(rule.faultOf(15), undefined);
    assert.ok(rule.faultOf(16));
  },
});

Deno.test({
  name: "CutRule says nothing while it may have missed something",
  permissions: "none",
  fn: () => {
    const rule = new CutRule();
    assert.equal(rule.faultOf(7), undefined);
    rule.sure();
    assert.ok(rule.faultOf(7));
    rule.unsure();
    assert.equal(rule.faultOf(7), undefined);
  },
});
