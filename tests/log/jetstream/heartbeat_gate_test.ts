import assert from "node:assert/strict";
import { HeartbeatGate } from "../../../src/log/jetstream/members_channel.ts";

Deno.test("HeartbeatGate drops and counts what is too large or too much, and takes more in the next interval", () => {
  const gate = new HeartbeatGate();
  assert.ok(gate.admits(4096, 0));
  assert.ok(!gate.admits(4097, 0));
  let admitted = 1;
  for (let i = 0; i < 1_000; i++) if (gate.admits(1, 1_999)) admitted++;
  assert.equal(admitted, 512);
  assert.equal(gate.takeDropped(), 1 + 1_000 - 511);
  assert.equal(gate.takeDropped(), 0);
  assert.ok(gate.admits(1, 2_000));
});
