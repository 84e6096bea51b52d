import assert from "node:assert/strict";
import {
  type AppliedLog,
  type EntryIdentity,
  judge,
  questionFor,
  type StreamLook,
} from "../../../src/log/jetstream/same_log.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";

const permissions = "none";

const LAST: EntryIdentity = { sequence: 7, time: "t7", messageId: "m:7" };
const APPLIED: AppliedLog = { created: "c", fed: 7, last: LAST };
const LOOK: StreamLook = {
  created: "c",
  config: newStreamConfig("USERGRADE", 1, "0".repeat(16)),
  firstSequence: 1,
  lastSequence: 9,
  identified: LAST,
  isRequiredMissing: false,
};

Deno.test({
  name:
    "judge() takes a stream for the log that was applied if nothing differs",
  permissions,
  fn: () => {
    const same: [Partial<StreamLook>, Partial<AppliedLog>][] = [
      [{}, {}],
      [{ lastSequence: 7 }, {}],
      // The entry is not there any more, and the next one is.
      [{ identified: undefined, firstSequence: 8 }, {}],
      [{ identified: undefined, firstSequence: 8, lastSequence: 7 }, {}],
      // Only the time of the last entry is known, or nothing at all.
      [{}, { last: { ...LAST, messageId: undefined } }],
      [{}, { last: undefined }],
      [{ lastSequence: 0 }, { fed: 0, last: undefined }],
    ];
    for (const [look, applied] of same) {
      assert.deepEqual(
        judge({ ...LOOK, ...look }, { ...APPLIED, ...applied }),
        { type: "same" },
        JSON.stringify([look, applied]),
      );
    }
  },
});

Deno.test({
  name:
    "judge() tells a stream that lost entries that were applied, and one with a hole before the next entry",
  permissions,
  fn: () => {
    const differing: [Partial<StreamLook> | undefined, string, RegExp][] = [
      [undefined, "ahead", /is gone/],
      [{ created: "d" }, "ahead", /made anew/],
      [{ lastSequence: 6 }, "ahead", /ends at 6, this replica at 7/],
      [{ identified: { ...LAST, time: "u" } }, "ahead", /entry 7 is another/],
      [
        { identified: { ...LAST, messageId: "n:7" } },
        "ahead",
        /entry 7 is another/,
      ],
      [{ firstSequence: 9, identified: undefined }, "hole", /needs entry 8/],
      [{ isRequiredMissing: true }, "hole", /Entry 8 was deleted/],
    ];
    for (const [look, type, reason] of differing) {
      const verdict = judge(look && { ...LOOK, ...look }, APPLIED);
      assert.equal(verdict.type, type);
      assert.ok(verdict.type !== "same");
      assert.match(verdict.reason, reason);
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
