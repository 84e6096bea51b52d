/**
 * What the messages of a consumer mean for the session besides the entries that
 * they are. It does no I/O.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { Commits } from "./commits.ts";
import type { FeedMessage } from "./feed_message.ts";
import type { Feeding } from "./feeding.ts";
import type { KnownLog } from "./known_log.ts";
import type { SessionOutput } from "./session_output.ts";

/** Look at the stream at once or soon; `over`: no entry comes any more. */
export type MessageStep = "look" | "retry" | "over";

/** Takes the messages of one consumer after the other. */
export class ConsumerMessages {
  /** The sequence of the fence or mark that was met last; 0 before the first. */
  #met = 0;

  /**
   * @param log The log.
   * @param commits The batches on their way into it, and what is fed.
   * @param admission Whether batches may be published.
   * @param output Takes what is to be done.
   */
  constructor(
    private readonly log: KnownLog,
    private readonly commits: Commits,
    private readonly admission: Admission,
    private readonly output: SessionOutput,
  ) {}

  /**
   * Takes a message. Hot: once for each entry.
   *
   * @param feeding The time in which the consumer gives entries; undefined while
   * another one is being started.
   * @returns What is to be done next; undefined if the consumer goes on.
   */
  receive(
    message: FeedMessage,
    feeding: Feeding | undefined,
    now_ms: number,
  ): MessageStep | undefined {
    feeding?.heard(now_ms);
    const { feed } = this.commits;
    const { sessionLast } = feed.own;
    const signal = feed.receive(message);
    if (signal === "ok") {
      if (feed.own.sessionLast !== sessionLast) {
        const change = this.commits.committed();
        feeding?.commitsChanged(change, now_ms);
      }
      return undefined;
    }
    if (signal === "unknown_version") return this.#meetUnknown(message, now_ms);
    if (feeding === undefined) return undefined;
    switch (signal) {
      case "gap":
        this.output.setStatus("away", "an entry is missing", now_ms);
        return "look";
      case "fence":
        return this.#meetFence(now_ms);
      case "unproven_mark":
        return this.#meetMark(now_ms);
      case "foreign":
        return this.#meetForeign(now_ms);
    }
  }

  #meetUnknown({ subject }: FeedMessage, now_ms: number): "over" {
    const sequence = this.commits.feed.fed + 1;
    this.output.do({ type: "stop_consumer" });
    this.output.setStatus(
      "upgrade_required",
      `entry ${sequence} has subject ${subject}, which this version does not know: upgrade this replica`,
      now_ms,
    );
    return "over";
  }

  /** All after the fence is void: no batch gets into the log before it is whole. */
  #meetFence(now_ms: number): "look" | "retry" {
    const at = this.commits.feed.fed + 1;
    const reason = `entry ${at} is a fence: the log is being made whole`;
    this.log.sawFence();
    this.admission.doubt();
    this.commits.abandon(reason);
    this.output.do({ type: "stop_consumer" });
    this.output.setStatus("away", reason, now_ms);
    return this.#lookFor(at);
  }

  /**
   * The log may begin with it, which a newer look at the stream shows. Sets go on
   * at the first one: anyone may have written it.
   */
  #meetMark(now_ms: number): "look" | "retry" {
    const at = this.commits.feed.fed + 1;
    this.output.do({ type: "stop_consumer" });
    const step = this.#lookFor(at);
    if (step === "retry") {
      this.output.setStatus(
        "away",
        `entry ${at} says that the log was made whole: the stream is looked at`,
        now_ms,
      );
    }
    return step;
  }

  /** A server that is behind may not know the fence or mark yet. */
  #lookFor(at: number): "look" | "retry" {
    const isKnown = at === this.#met;
    this.#met = at;
    return isKnown ? "retry" : "look";
  }

  /** Another server of the stream may be chosen for the next consumer. */
  #meetForeign(now_ms: number): "retry" {
    const sequence = this.commits.feed.fed + 1;
    this.output.do({ type: "stop_consumer" });
    this.output.setStatus(
      "away",
      `the consumer gives another entry ${sequence} than the stream's leader has: the servers of NATS do not agree yet`,
      now_ms,
    );
    return "retry";
  }
}
