import assert from "node:assert/strict";
import {
  type AppliedLog,
  judge,
  questionFor,
  type StoredEntry,
  type StreamLook,
} from "../../../src/log/jetstream/same_log.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";

const permissions = "none";

const ID = "0123456789abcdef";
const LAST: StoredEntry = {
  sequence: 7,
  time: "t7",
  messageId: "m:7",
  subject: "usergrade.v1.set.a",
  data: new Uint8Array(0),
};
const APPLIED: AppliedLog = { id: ID, created: "c", fed: 7, last: LAST };
const CONFIG = newStreamConfig("USERGRADE", 1, ID);
const LOOK: StreamLook = {
  created: "c",
  config: CONFIG,
  maxPayload_bytes: 1024 * 1024,
  firstSequence: 1,
  lastSequence: 9,
  bytes: 900,
  identified: LAST,
  isRequiredMissing: false,
};
/** A stream whose description someone has rewritten. */
const NAMELESS = { ...CONFIG, description: "ours" };
const BY_NAME = "USERGRADE@c";

Deno.test({
  name:
    "judge() goes by the log's id and the last entry, not by when the stream was created",
  permissions,
  fn: () => {
    const same: [Partial<StreamLook>, Partial<AppliedLog>, boolean][] = [
      [{}, {}, false],
      [{ created: "later" }, {}, false],
      [{ created: "later", identified: undefined }, {}, false],
      [
        { created: "later", lastSequence: 0 },
        { fed: 0, last: undefined },
        false,
      ],
      // The id is lost, and the entry or the time of creation proves the log.
      [{ config: NAMELESS }, {}, true],
      [{ config: NAMELESS, created: "later" }, {}, true],
      [{ config: NAMELESS, identified: undefined }, {}, true],
      // A log without an id of its own, which may get one.
      [{ config: NAMELESS, created: "later" }, { id: BY_NAME }, false],
      [{}, { id: BY_NAME }, false],
    ];
    for (const [look, applied, lostId] of same) {
      assert.deepEqual(
        judge({ ...LOOK, ...look }, { ...APPLIED, ...applied }),
        { type: "same", lostId },
        JSON.stringify([look, applied]),
      );
    }
  },
});

Deno.test({
  name:
    "judge() tells a stream that is another log or lost entries, and one with a hole before the next entry",
  permissions,
  fn: () => {
    const differing: [Partial<StreamLook> | undefined, string, RegExp][] = [
      [undefined, "ahead", /is gone/],
      [
        { config: newStreamConfig("USERGRADE", 1, "f".repeat(16)) },
        "ahead",
        /another log now: f{16} and not 0123456789abcdef/,
      ],
      [
        { config: NAMELESS, created: "later", identified: undefined },
        "ahead",
        /made anew/,
      ],
      [{ lastSequence: 6 }, "ahead", /ends at 6, this replica at 7/],
      [{ identified: { ...LAST, time: "u" } }, "ahead", /entry 7 is another/],
      [
        { identified: { ...LAST, messageId: "n:7" } },
        "ahead",
        /entry 7 is another/,
      ],
      [{ firstSequence: 9, identified: undefined }, "hole", /needs entry 8/],
      [{ isRequiredMissing: true }, "hole", /entry 8 was deleted.*PEERS/],
    ];
    for (const [look, type, reason] of differing) {
      const verdict = judge(look && { ...LOOK, ...look }, APPLIED);
      assert.equal(verdict.type, type, String(reason));
      assert.ok(verdict.type !== "same");
      assert.match(verdict.reason, reason);
      if (verdict.type === "hole") assert.equal(verdict.missing, 8);
    }
  },
});

Deno.test({
  name: "questionFor() asks for the last entry fed and the one after it",
  permissions,
  fn: () => {
    assert.deepEqual(questionFor(APPLIED), { identify: 7, require: 8 });
    assert.deepEqual(questionFor({ ...APPLIED, last: undefined }), {
      identify: undefined,
      require: 8,
    });
  },
});
