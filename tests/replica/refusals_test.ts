import assert from "node:assert/strict";
import { Refusals } from "../../src/replica/refusals.ts";
import { SourceError } from "../../src/snapshot/source.ts";
import { SnapshotStoreError } from "../../src/snapshot/store.ts";

const permissions = "none";

Deno.test({
  name:
    "Refusals names each place once, with its reasons in brief and how often",
  permissions,
  fn: () => {
    const refusals = new Refusals();
    assert.deepEqual([refusals.text, refusals.suffix], ["", ""]);
    refusals.add("http://b", new SourceError("not ready: 503 it restores"));
    refusals.add("the bucket", new Error("too old for the log: it ends at 1"));
    refusals.add("the bucket", new Error("damaged: a bit"));
    refusals.add("the bucket", new Error("too old for the log: it ends at 0"));
    refusals.add("the folder", new SnapshotStoreError("Cannot list: EACCES"));
    assert.equal(
      refusals.text,
      "http://b: not ready; the bucket: too old for the log (2), damaged; the folder: Cannot list: EACCES",
    );
    assert.equal(refusals.suffix, ` (not from ${refusals.text})`);
  },
});

Deno.test({
  name: "Refusals stays short, however many places and however long reasons",
  permissions,
  fn: () => {
    const refusals = new Refusals();
    for (let i = 0; i < 1_000; i++) {
      refusals.add(`http://b${i}`, new Error("x".repeat(10_000)));
    }
    assert.ok(refusals.text.length <= 600);
    assert.match(refusals.text, /^http:..b0: x{119}…; .*…$/);
  },
});
