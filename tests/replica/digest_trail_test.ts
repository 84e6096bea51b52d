import assert from "node:assert/strict";
import {
  CHECKPOINT_ENTRIES,
  DigestTrail,
} from "../../src/replica/digest_trail.ts";

Deno.test("DigestTrail keeps the newest checkpoints and no older ones", {
  permissions: "none",
}, () => {
  const trail = new DigestTrail();
  assert.deepEqual(trail.newest(8), []);
  assert.equal(trail.at(0), undefined);
  const last = 3_000;
  for (let i = 1; i <= last; i++) trail.note(i * CHECKPOINT_ENTRIES, `${i}`);
  assert.deepEqual(trail.newest(2), [
    [last * CHECKPOINT_ENTRIES, `${last}`],
    [(last - 1) * CHECKPOINT_ENTRIES, `${last - 1}`],
  ]);
  assert.equal(trail.at(last * CHECKPOINT_ENTRIES), `${last}`);
  assert.equal(trail.at((last - 1023) * CHECKPOINT_ENTRIES), `${last - 1023}`);
  assert.equal(trail.at((last - 1024) * CHECKPOINT_ENTRIES), undefined);
  assert.equal(trail.at((last + 1) * CHECKPOINT_ENTRIES), undefined);
  assert.equal(trail.at(last * CHECKPOINT_ENTRIES - 1), undefined);
  assert.equal(trail.newest(10_000).length, 1024);
});

Deno.test(
  "DigestTrail that begins at a late sequence knows nothing before it",
  {
    permissions: "none",
  },
  () => {
    const trail = new DigestTrail();
    trail.note(50 * CHECKPOINT_ENTRIES, "a");
    assert.deepEqual(trail.newest(8), [[50 * CHECKPOINT_ENTRIES, "a"]]);
  },
);
