import assert from "node:assert/strict";
import { ReplicaLines } from "./replica_lines.ts";

Deno.test({
  name: "ReplicaLines counts what was done, and tells what no fault explains",
  permissions: "none",
  fn: () => {
    const surprises: string[] = [];
    const lines = new ReplicaLines(
      (sequence) => sequence === 7,
      (what) => surprises.push(what),
    );
    const said = [
      'Snapshot from "http://127.0.0.1:1": ok, 4 users at sequence 7',
      'Snapshot from "the bucket USERGRADE-snapshots, at sequence 7": ok, 4 users at sequence 7',
      "The log is cut: it began at 1 and begins at 7, 9 bytes less",
      "The log is cut: it began at 7 and begins at 9, 9 bytes less",
      'Snapshot at sequence 7 in "the bucket X" is deleted: "damaged: short"',
      'Snapshot at sequence 9 in "the bucket X" is deleted: "damaged: short"',
      "The log is not cut: the snapshot at sequence 9 is not of it",
      'No set can commit: "two histories: entry 7 is another one now: act"',
      'The log has lost entries 8 to 9, which this replica has applied: "the log ends"',
    ];
    lines.note(said.map((message) => ({ message })));
    assert.deepEqual(lines.counts, {
      peerStarts: 1,
      bucketStarts: 1,
      rejoins: 0,
      written: 0,
      readBack: 0,
      cuts: 2,
      damagedWhenVerified: 2,
      damagedWhenRestored: 0,
      lossesTold: 1,
    });
    assert.deepEqual(surprises, [
      "a replica said: Snapshot at sequence 9 in the bucket X is deleted: damaged: short",
      `a replica said: ${said[6]}`,
      "a replica said: No set can commit: two histories: entry 7 is another one now: act",
    ]);
  },
});
