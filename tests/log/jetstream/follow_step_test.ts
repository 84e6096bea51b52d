import assert from "node:assert/strict";
import {
  type FollowStep,
  followStep,
} from "../../../src/log/jetstream/follow_step.ts";
import type { LogLoss } from "../../../src/log/healable_log.ts";

const permissions = "none";
const reason = "why";

function loss(type: LogLoss["type"]): LogLoss {
  return { type, reason, firstSequence: 1, lastSequence: 5 };
}

type Case = [
  verdict: Parameters<typeof followStep>[0],
  state: FollowStep["status"]["state"],
  step: Omit<FollowStep, "status">,
];

const ENDED = { isWhole: false, endsBatches: true, then: "wait" } as const;
const KEPT = { isWhole: false, endsBatches: false, then: "retry" } as const;

const CASES: Case[] = [
  // The servers may have yet to agree: what is under way may still come back.
  [{ type: "doubtful", reason, loss: undefined }, "away", KEPT],
  [{ type: "doubtful", reason, loss: loss("tail") }, "away", KEPT],
  // The log has all that was applied: nothing is lost, and it is not ahead.
  [{ type: "hole", reason, missing: 6 }, "away", { ...ENDED, isWhole: true }],
  [{ type: "forked", reason }, "forked", ENDED],
  ...(["gone", "tail", "other_log"] as const).map((type): Case => [
    { type: "lost", loss: loss(type), isReadable: false },
    "ahead_of_log",
    ENDED,
  ]),
  ...(["fenced", "unmarked"] as const).map((type): Case => [
    { type: "lost", loss: loss(type), isReadable: false },
    "healing",
    ENDED,
  ]),
  [
    { type: "lost", loss: loss("fenced"), isReadable: true },
    "healing",
    { ...ENDED, then: "consume_to_fence" },
  ],
];

Deno.test({
  name:
    "followStep() says for each verdict what is told, and whether batches under way may still come back",
  permissions,
  fn: () => {
    for (const [verdict, state, expected] of CASES) {
      const { status, ...step } = followStep(verdict);
      const what = JSON.stringify(verdict);
      assert.deepEqual(step, expected, what);
      assert.equal(status.state, state, what);
      assert.equal(status.reason, reason, what);
    }
  },
});

Deno.test({
  name: "followStep() passes on what is lost, missing, or perhaps another one",
  permissions,
  fn: () => {
    const told = (verdict: Parameters<typeof followStep>[0]) => {
      const { loss, missing, mayBeForked } = followStep(verdict).status;
      return [loss?.type, missing, mayBeForked];
    };
    const gone = loss("gone");
    assert.deepEqual(
      told({ type: "lost", loss: gone, isReadable: false }),
      ["gone", undefined, undefined],
    );
    assert.deepEqual(
      told({ type: "doubtful", reason, loss: gone }),
      ["gone", undefined, undefined],
    );
    assert.deepEqual(
      told({ type: "doubtful", reason, loss: undefined }),
      [undefined, undefined, true],
    );
    assert.deepEqual(
      told({ type: "hole", reason, missing: 6 }),
      [undefined, 6, undefined],
    );
  },
});
