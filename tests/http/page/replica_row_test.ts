import assert from "node:assert/strict";
import { equality } from "../../../src/http/page/replica_row.js";

const ROW = {
  replica_id: "a",
  self: true,
  state: "ready",
  equal: true as boolean | null,
  compared_at: null as number | null,
};

function other(replica_id: string, fields: Partial<typeof ROW> = {}) {
  return { ...ROW, replica_id, self: false, compared_at: 12, ...fields };
}

/** The words beside the replicas of a cluster, this one first. */
function words(
  others: (typeof ROW)[],
  self: Partial<typeof ROW> = {},
  stands_alone: string | null = null,
) {
  const replicas = [{ ...ROW, ...self }, ...others];
  return replicas.map((one) => equality(one, { replicas, stands_alone })[0]);
}

Deno.test("a replica is called equal only beside another one whose records are known to be the same now", () => {
  assert.deepEqual(words([other("b")]), ["equal", "equal"]);
  for (const state of ["gone", "unknown", "starting", "restoring"]) {
    const away = other("b", { state });
    assert.deepEqual(words([away]), ["was equal", "was equal"]);
    assert.deepEqual(words([away, other("c")]), [
      "equal",
      "was equal",
      "equal",
    ]);
  }
  const never = other("b", { equal: null, compared_at: null });
  assert.deepEqual(words([never], { equal: null }), [
    "not compared",
    "not compared",
  ]);
});

Deno.test("a replica that differs is said to, gone or not, and the one that stands alone by that", () => {
  const gone = other("b", { equal: false, state: "gone" });
  assert.deepEqual(words([gone], { equal: false }), ["differs", "differs"]);
  const differs = other("b", { equal: false });
  assert.deepEqual(words([differs, other("c")], {}, "b"), [
    "equal",
    "stands alone",
    "equal",
  ]);
});
