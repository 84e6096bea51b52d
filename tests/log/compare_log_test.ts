import assert from "node:assert/strict";
import {
  type AppliedState,
  compareLog,
  type LogView,
} from "../../src/log/compare_log.ts";

const permissions = "none";

const LAST = { sequence: 7, time: "t7", messageId: "m:7" };
const STATE: AppliedState = { sequence: 7, last: LAST };
const LOG: LogView = { firstSequence: 1, lastSequence: 9, entry: LAST };

Deno.test({
  name:
    "compareLog() takes a state for the log's if nothing differs that can be compared",
  permissions,
  fn: () => {
    const same: [Partial<LogView>, Partial<AppliedState>, boolean][] = [
      [{}, {}, true],
      [{ lastSequence: 7 }, {}, true],
      [{ entry: { sequence: 7, time: "t7" } }, {}, true],
      [{}, { last: { sequence: 7, time: "t7" } }, true],
      // The entry is not there any more: deleted, or taken by limits.
      [{ entry: undefined }, {}, false],
      [{ entry: undefined, firstSequence: 8 }, {}, false],
      [{ entry: undefined, firstSequence: 8, lastSequence: 7 }, {}, false],
      [{}, { last: undefined }, false],
      [{ lastSequence: 0, entry: undefined }, { sequence: 0 }, false],
    ];
    for (const [log, state, isProven] of same) {
      assert.deepEqual(
        compareLog({ ...LOG, ...log }, { ...STATE, ...state }),
        { type: "same", isProven },
        JSON.stringify([log, state]),
      );
    }
  },
});

Deno.test({
  name:
    "compareLog() tells a log that ends before the state, has another entry there, or begins too late",
  permissions,
  fn: () => {
    const differing: [Partial<LogView>, string][] = [
      [{ lastSequence: 6 }, "ahead"],
      [{ entry: { ...LAST, time: "u" } }, "forked"],
      [{ entry: { ...LAST, messageId: "n:7" } }, "forked"],
      [{ firstSequence: 9, entry: undefined }, "too_old"],
    ];
    for (const [log, type] of differing) {
      assert.equal(compareLog({ ...LOG, ...log }, STATE).type, type);
    }
  },
});
