/**
 * What a look at the stream means for a replica that follows its log, and what
 * is told of it. It does no I/O.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { Commits } from "./commits.ts";
import { type FollowStep, followStep } from "./follow_step.ts";
import type { KnownLog } from "./known_log.ts";
import { limitsOf } from "./log_limits.ts";
import type { SessionOutput } from "./session_output.ts";
import { version2Problem } from "./stream_config.ts";
import type { StreamLook, StreamQuestion } from "./stream_look.ts";

/**
 * What is to be done next: look at once, because entries have come meanwhile;
 * start a consumer, which may read up to a fence only; look again soon; or wait
 * for somebody to put the stream right.
 */
export type NextStep =
  | "look"
  | "consume"
  | "consume_to_fence"
  | "retry"
  | "wait";

/** Judges whether the stream is still the log, one look after the other. */
export class StreamJudge {
  /** When the stream was asked, and the log's end as it was known then. */
  #asked_ms = 0;
  #knownEnd = 0;

  /**
   * @param log The log.
   * @param commits The batches on their way into it.
   * @param admission Whether batches may be published.
   * @param output Takes what is to be done.
   */
  constructor(
    private readonly log: KnownLog,
    private readonly commits: Commits,
    private readonly admission: Admission,
    private readonly output: SessionOutput,
  ) {}

  /** @returns What to ask the stream now. */
  ask(now_ms: number): StreamQuestion {
    this.#asked_ms = now_ms;
    this.#knownEnd = this.commits.feed.lastSequence;
    return this.log.ask();
  }

  /** Takes the answer, and tells what it means. */
  judge(look: StreamLook | undefined, now_ms: number): NextStep {
    const { id } = this.log;
    const verdict = this.log.judge(look, now_ms);
    // Its snapshots have to be found.
    if (look !== undefined && this.log.id !== id) this.tellLimits(look);
    if (verdict.type === "same") return this.#goOn(look!, verdict.lostId);
    // The consumer from before has given it since the stream was asked.
    if (verdict.type === "hole" && verdict.missing <= this.commits.feed.fed) {
      return "look";
    }
    return this.#stop(followStep(verdict), now_ms);
  }

  #goOn(look: StreamLook, hasLostId: boolean): NextStep {
    this.output.notAhead();
    this.tellLimits(look);
    if (hasLostId) this.output.do({ type: "write_identity", id: this.log.id });
    if (look.lastSequence < this.#knownEnd) this.admission.doubt();
    // Before the connection was lost, the stream may have refused a batch.
    this.commits.sawEnd(this.#asked_ms, look.lastSequence);
    return "consume";
  }

  #stop(
    { status, isWhole, endsBatches, then }: FollowStep,
    now_ms: number,
  ): NextStep {
    if (isWhole) this.output.notAhead();
    else this.admission.doubt();
    if (endsBatches) {
      this.output.do({ type: "stop_consumer" });
      this.commits.abandon(status.reason);
    }
    this.output.setStatus(status.state, status.reason, now_ms, status);
    return then;
  }

  /** Tells what the log has and takes. */
  tellLimits(look: StreamLook): void {
    this.commits.version2Problem = version2Problem(look.config);
    this.output.do({ type: "limits", limits: limitsOf(look, this.log.id) });
  }
}
