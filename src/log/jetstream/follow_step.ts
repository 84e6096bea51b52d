/**
 * What a replica does about its log once the stream was judged. It does no I/O.
 *
 * @module
 */
import type { LogLoss } from "../healable_log.ts";
import type { LogStatus } from "../log.ts";
import type { Doubtful } from "./known_log.ts";
import type { Verdict } from "./verdict.ts";

/** What is done about the stream, except where it is the log: then it is consumed. */
export interface FollowStep {
  /** What is told. */
  readonly status: Omit<LogStatus, "isRepeated">;
  /** Whether the stream has all that was applied, though not what comes next. */
  readonly isWhole: boolean;
  /** Whether the batches under way can't come back any more. */
  readonly endsBatches: boolean;
  /**
   * `wait` for somebody to put it right, `retry` soon, or consume what stands
   * before the fence.
   */
  readonly then: "wait" | "retry" | "consume_to_fence";
}

/** @returns What to do about a stream that is not the log as it was. */
export function followStep(
  verdict: Exclude<Verdict, { readonly type: "same" }> | Doubtful,
): FollowStep {
  switch (verdict.type) {
    case "doubtful": {
      const { reason, loss } = verdict;
      return {
        status: {
          state: "away",
          reason,
          ...(loss === undefined ? { mayBeForked: true } : { loss }),
        },
        isWhole: false,
        endsBatches: false,
        then: "retry",
      };
    }
    case "hole": {
      const { reason, missing } = verdict;
      return {
        status: { state: "away", reason, missing },
        isWhole: true,
        endsBatches: true,
        then: "wait",
      };
    }
    case "forked":
      return {
        status: { state: "forked", reason: verdict.reason },
        isWhole: false,
        endsBatches: true,
        then: "wait",
      };
    case "lost": {
      const { loss, isReadable } = verdict;
      return {
        status: { state: stateOf(loss), reason: loss.reason, loss },
        isWhole: false,
        endsBatches: true,
        then: isReadable ? "consume_to_fence" : "wait",
      };
    }
  }
}

/** A log whose fence stands is being made whole. */
function stateOf({ type }: LogLoss): LogStatus["state"] {
  return type === "fenced" || type === "unmarked" ? "healing" : "ahead_of_log";
}
