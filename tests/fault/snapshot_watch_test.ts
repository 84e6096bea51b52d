import assert from "node:assert/strict";
import { sightingOf } from "./snapshot_watch.ts";

const CHUNK_ID = "r1-0123456789abcdefghijkl";
const CHUNK = `$O.USERGRADE-snapshots.C.${CHUNK_ID}`;
const META = "$O.USERGRADE-snapshots.M.dXNlcg==";
const READ = "$JS.API.STREAM.MSG.GET.OBJ_USERGRADE-snapshots";

function sighting(subject: string, message: unknown) {
  const text = JSON.stringify(message);
  return sightingOf(subject, new TextEncoder().encode(text));
}

Deno.test({
  name: "sightingOf() tells each moment of a snapshot",
  permissions: "none",
  fn: () => {
    const backup = JSON.stringify({ sequence: 7 });
    const verified = { backup, verified: "true" };
    const purge = "$JS.API.STREAM.PURGE.";
    const cases = [
      ["chunk", CHUNK_ID, CHUNK, "anything"],
      ["name", CHUNK_ID, META, { nuid: CHUNK_ID, metadata: { backup } }],
      ["mark", CHUNK_ID, META, { nuid: CHUNK_ID, metadata: verified }, 7],
      ["read_back", CHUNK_ID, READ, { seq: 1, next_by_subj: CHUNK }],
      ["delete", undefined, `${purge}OBJ_USERGRADE-snapshots`, {}],
      ["cut", undefined, `${purge}USERGRADE`, { seq: 7 }, 7],
    ] as const;
    for (const [moment, chunkId, subject, message, sequence] of cases) {
      assert.deepEqual(
        sighting(subject, message),
        { moment, chunkId, ...(sequence !== undefined && { sequence }) },
      );
    }
  },
});

Deno.test({
  name: "sightingOf() passes over questions for metadata",
  permissions: "none",
  fn: () => {
    assert.equal(sighting(READ, { last_by_subj: META }), undefined);
  },
});
