import assert from "node:assert/strict";
import { Admission } from "../../../src/log/jetstream/admission.ts";

function test(name: string, fn: () => void): void {
  Deno.test({ name: `Admission ${name}`, permissions: "none", fn });
}

test("is given over the server on which the log was opened, and over no other one before a hearing", () => {
  const admission = new Admission();
  assert.ok(!admission.isGiven);
  admission.connected("one");
  admission.opened();
  assert.ok(admission.isGiven);
  admission.connected("two");
  assert.ok(!admission.isGiven);
  admission.connected("one");
  assert.ok(admission.isGiven);
  admission.connected("two");
  assert.ok(admission.heard(admission.begin()));
  assert.ok(admission.isGiven);
});

test("is taken away by a doubt, and given by the last hearing alone", () => {
  const admission = new Admission();
  admission.connected("one");
  admission.opened();
  admission.doubt();
  assert.ok(!admission.isGiven);
  const first = admission.begin();
  const second = admission.begin();
  assert.ok(!admission.heard(first));
  assert.ok(!admission.isGiven);
  assert.ok(admission.heard(second));
  assert.ok(admission.isGiven);
});

test("is not given to a replica that opened its log over no connection", () => {
  const admission = new Admission();
  admission.opened();
  assert.ok(!admission.isGiven);
});

test("is not given over another server than the one over which the log was found", () => {
  const admission = new Admission();
  admission.connected("one");
  admission.found();
  admission.connected("two");
  admission.opened();
  assert.ok(!admission.isGiven);
  admission.connected("one");
  assert.ok(admission.isGiven);
});
