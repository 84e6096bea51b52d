/**
 * The time in which a consumer gives entries: whether it is alive, what the
 * stream says meanwhile, and whether sets commit. It does no I/O.
 *
 * @module
 */
import type { CommitChange, Commits } from "./commits.ts";
import type { KnownLog } from "./known_log.ts";
import { Liveness } from "./liveness.ts";
import type { Requests } from "./requests.ts";
import { NO_ENTRIES, type StreamLook } from "./same_log.ts";
import type { SessionOutput } from "./session_output.ts";

/** Watches one consumer. */
export class Feeding {
  readonly #liveness: Liveness;

  /**
   * @param log The log that the entries are of.
   * @param commits The batches on their way into it.
   * @param requests Numbers the looks.
   * @param output Takes what is to be done.
   * @param now_ms When the consumer was started.
   */
  constructor(
    private readonly log: KnownLog,
    private readonly commits: Commits,
    private readonly requests: Requests,
    private readonly output: SessionOutput,
    now_ms: number,
  ) {
    this.#liveness = new Liveness(commits.feed.fed, now_ms);
  }

  /** The consumer has been started. */
  begin(now_ms: number): void {
    const { stall } = this.commits;
    if (stall === undefined) {
      this.output.setStatus("connected", "entries are coming", now_ms);
    } else this.output.setStatus("away", stall, now_ms);
    this.commits.publishAgain(now_ms);
  }

  /** The consumer gave an entry or a heartbeat. */
  heard(now_ms: number): void {
    this.#liveness.heard(now_ms);
  }

  /**
   * Does what is due.
   *
   * @returns Why another consumer is needed; undefined if this one is alive.
   */
  tick(now_ms: number): string | undefined {
    const { feed } = this.commits;
    const liveness = this.#liveness;
    if (liveness.isSilent(now_ms)) return "the log gives no sign of life";
    if (liveness.isStuck(feed.fed, !feed.isEmpty, now_ms)) {
      return `the log has entries up to ${liveness.end}, and none came after ${feed.fed}`;
    }
    if (liveness.isLookDue(now_ms)) this.look(now_ms);
    this.commitsChanged(this.commits.tick(now_ms), now_ms);
    return undefined;
  }

  /** Tells whether sets commit, if that has changed. */
  commitsChanged(change: CommitChange, now_ms: number): void {
    if (change === "recovered") {
      this.output.setStatus("connected", "sets are taken again", now_ms);
    } else if (change === "stalled") {
      this.output.setStatus("away", this.commits.stall!, now_ms);
    }
  }

  /** Looks at the stream while entries come. */
  look(now_ms: number): void {
    this.log.ask();
    const request = this.requests.beginAside(now_ms);
    this.output.do({ type: "look", request, question: NO_ENTRIES });
  }

  /**
   * The stream was looked at while entries came.
   *
   * @param asked_ms When it was asked.
   * @returns Why the stream is to be judged anew; undefined if there is no need.
   */
  looked(
    asked_ms: number,
    look: StreamLook | undefined,
    now_ms: number,
  ): string | undefined {
    if (look !== undefined) {
      this.#liveness.saw(look.lastSequence, now_ms);
      this.commits.sawEnd(asked_ms, look.lastSequence);
    }
    return this.log.problem(look);
  }
}
