import assert from "node:assert/strict";
import { lazy } from "../src/lazy.ts";

const permissions = "none";

Deno.test("lazy() makes a thing once, when it is first needed", {
  permissions,
}, async () => {
  let made = 0;
  const thing = lazy(() => Promise.resolve(++made));
  assert.equal(made, 0);
  assert.deepEqual(await Promise.all([thing(), thing()]), [1, 1]);
  assert.equal(await thing(), 1);
});

Deno.test("lazy() tries again after a failure", { permissions }, async () => {
  let tries = 0;
  const thing = lazy(() =>
    ++tries === 1 ? Promise.reject(new Error("no")) : Promise.resolve(tries)
  );
  await assert.rejects(Promise.all([thing(), thing()]), /no/);
  assert.equal(await thing(), 2);
});
