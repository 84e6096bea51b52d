import assert from "node:assert/strict";
import {
  Suspicion,
  SUSPICION_MS,
} from "../../../src/log/jetstream/suspicion.ts";

const permissions = "none";

Deno.test({
  name: "Suspicion counts once the difference was seen for long enough",
  permissions,
  fn: () => {
    const suspicion = new Suspicion();
    assert.ok(!suspicion.lasts(100));
    assert.ok(!suspicion.lasts(100 + SUSPICION_MS - 1));
    assert.ok(suspicion.lasts(100 + SUSPICION_MS));
  },
});

Deno.test({
  name: "Suspicion begins anew after a look that did not show the difference",
  permissions,
  fn: () => {
    const suspicion = new Suspicion();
    assert.ok(!suspicion.lasts(0));
    suspicion.clear();
    assert.ok(!suspicion.lasts(SUSPICION_MS));
    assert.ok(suspicion.lasts(2 * SUSPICION_MS));
  },
});
