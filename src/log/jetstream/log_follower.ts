/**
 * Following the log, once it is open: judging whether the stream is still the
 * log that was applied, and feeding entries with consumers. It does no I/O.
 *
 * Whatever goes wrong with the connection, the consumer or the stream, there is
 * one remedy: look at the stream, and if it is still the log that was applied,
 * start a new consumer after the last entry.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { Commits } from "./commits.ts";
import type { EntryFeed, FeedMessage } from "./entry_feed.ts";
import { Feeding } from "./feeding.ts";
import { type FollowStep, followStep } from "./follow_step.ts";
import type { KnownLog } from "./known_log.ts";
import { limitsOf } from "./log_limits.ts";
import { type OpeningOptions, problemOf } from "./opening.ts";
import { Placement } from "./placement.ts";
import type { Requests } from "./requests.ts";
import type { ConsumerStarted } from "./session_events.ts";
import { version2Problem } from "./stream_config.ts";
import type { StreamLook } from "./stream_look.ts";
import type { SessionOutput } from "./session_output.ts";
import { dueAfter, isAwaited, untilRetry, type Wait } from "./wait.ts";

/** How often a log that does not recover by itself is looked at. */
export const AHEAD_LOOK_MS = 2_000;

/** What is done about the stream now. */
type FollowerState =
  | Wait
  /** A consumer gives entries. */
  | { readonly type: "feeding"; readonly feeding: Feeding }
  /** No entry comes any more until the replica is started anew. */
  | { readonly type: "over" };

/** Follows one log over one connection after the other. */
export class LogFollower {
  readonly #feed: EntryFeed;
  #state: FollowerState = { type: "idle" };
  #isConsuming = false;
  /** When the stream was asked, and the log's end as it was known then. */
  #asked_ms = 0;
  #knownEnd = 0;
  /** Where the consumer that is being started may be. */
  #placement = new Placement(undefined);
  /** Whether the consumer that is being started reads up to a fence only. */
  #isBeforeFence = false;
  /** The sequence of the fence that was met last; 0 before the first. */
  #metFence = 0;

  /**
   * @param log The log, which was just opened.
   * @param options The stream.
   * @param commits The batches on their way into it.
   * @param requests Numbers the requests.
   * @param admission Whether batches may be published.
   * @param output Takes what is to be done.
   */
  constructor(
    readonly log: KnownLog,
    private readonly options: OpeningOptions,
    private readonly commits: Commits,
    private readonly requests: Requests,
    private readonly admission: Admission,
    private readonly output: SessionOutput,
  ) {
    this.#feed = commits.feed;
  }

  /** Whether the stream is known to be the log, as far as anyone has asked. */
  get isSure(): boolean {
    return !this.#isConsuming || this.#state.type === "feeding" ||
      this.output.status.state !== "away" ||
      this.output.status.loss !== undefined;
  }

  /** NATS is connected; the version of the server, if it is known. */
  connected(serverVersion: string | undefined, now_ms: number): void {
    if (this.#state.type === "over") return;
    this.log.connected(serverVersion);
    this.commits.reconnected();
    if (this.#isConsuming) this.#look(now_ms);
    else this.#state = { type: "idle" };
  }

  /** The connection is lost, or an attempt failed. */
  disconnected(reason: string, now_ms: number): void {
    if (this.#state.type === "over") return;
    this.#state = { type: "offline" };
    this.output.setStatus("away", reason, now_ms);
  }

  /**
   * Entries are wanted from now on.
   *
   * @param after The entry before them.
   * @param time When the log took that one, if it is known.
   */
  consume(after: number, time: string | null, now_ms: number): void {
    this.#feed.startAfter(after, time);
    if (this.#isConsuming) return this.#consumeAnew(after, now_ms);
    this.#isConsuming = true;
    if (this.#state.type === "idle") this.#look(now_ms);
  }

  /** The replica has gone on from a snapshot, which may have its batches. */
  #consumeAnew(after: number, now_ms: number): void {
    const reason = `a snapshot at sequence ${after} was restored`;
    this.commits.abandon(reason);
    this.requests.dropAside();
    this.log.noAnswer();
    if (this.#state.type === "offline" || this.#state.type === "over") return;
    this.output.do({ type: "stop_consumer" });
    this.output.setStatus("away", reason, now_ms);
    this.#look(now_ms);
  }

  /** Does what is due while NATS is connected. */
  tick(now_ms: number): void {
    const state = this.#state;
    if (state.type === "feeding") {
      const problem = state.feeding.tick(now_ms);
      if (problem !== undefined) this.recover(problem, now_ms);
      return;
    }
    switch (dueAfter(state, now_ms)) {
      case "unanswered":
        this.log.noAnswer();
        return this.#tryAgain("NATS does not answer", now_ms);
      case "look":
        return this.#look(now_ms);
    }
  }

  /** Takes a message of the consumer. Hot: once for each entry. */
  receive(message: FeedMessage, now_ms: number): void {
    const state = this.#state;
    if (state.type === "over") return;
    if (state.type === "feeding") state.feeding.heard(now_ms);
    const feed = this.#feed;
    const { ownFed } = feed;
    const signal = feed.receive(message);
    if (signal === "gap") this.recover("an entry is missing", now_ms);
    else if (signal === "fence") this.#meetFence(now_ms);
    else if (signal === "foreign") this.#meetForeign(now_ms);
    else if (signal === "unknown_version") {
      this.output.do({ type: "stop_consumer" });
      this.output.setStatus(
        "upgrade_required",
        `entry ${
          feed.fed + 1
        } has subject ${message.subject}, which this version does not know`,
        now_ms,
      );
      this.#state = { type: "over" };
    } else if (feed.ownFed !== ownFed) {
      const change = this.commits.committed();
      if (state.type === "feeding") {
        state.feeding.commitsChanged(change, now_ms);
      }
    }
  }

  /** Another server of the stream may be chosen for the next consumer. */
  #meetForeign(now_ms: number): void {
    if (this.#state.type !== "feeding") return;
    this.output.do({ type: "stop_consumer" });
    this.#tryAgain(
      `the consumer gives another entry ${
        this.#feed.fed + 1
      } than the stream's leader has: the servers of NATS do not agree yet`,
      now_ms,
    );
  }

  /** All after the fence is void: no batch gets into the log before it is whole. */
  #meetFence(now_ms: number): void {
    if (this.#state.type !== "feeding") return;
    const at = this.#feed.fed + 1;
    const reason = `entry ${at} is a fence: the log is being made whole`;
    this.log.sawFence();
    this.admission.doubt();
    this.commits.abandon(reason);
    this.output.do({ type: "stop_consumer" });
    this.output.setStatus("away", reason, now_ms);
    // A server that is behind may not know the fence yet.
    if (at === this.#metFence) this.#state = untilRetry(now_ms);
    else this.#look(now_ms);
    this.#metFence = at;
  }

  /** @returns The number of a request, which is waited for. */
  #ask(now_ms: number): number {
    const awaited = this.requests.begin(now_ms);
    this.#state = { type: "asking", awaited };
    return awaited.request;
  }

  #look(now_ms: number): void {
    const question = this.log.ask();
    this.#asked_ms = now_ms;
    this.#knownEnd = this.#feed.lastSequence;
    this.output.do({ type: "look", request: this.#ask(now_ms), question });
  }

  /**
   * Looks at the stream while entries are fed; else it is looked at anyway.
   *
   * @param asksEntries Whether to look at its entries too.
   */
  lookAside(now_ms: number, asksEntries = false): void {
    if (this.#state.type !== "feeding") return;
    this.#state.feeding.look(now_ms, asksEntries);
  }

  /** Something was done to the stream, to make it whole, or it was found to be. */
  healed(now_ms: number): void {
    const { type } = this.#state;
    if (this.#isConsuming && (type === "waiting" || type === "asking")) {
      this.#look(now_ms);
    } else this.lookAside(now_ms);
  }

  /** The other replicas were heard. */
  othersHeard(hearing: number, now_ms: number): void {
    if (this.#state.type !== "feeding") return;
    this.#state.feeding.othersHeard(hearing, now_ms);
  }

  /** A request to look at the stream has its answer. */
  looked(
    request: number,
    look: StreamLook | undefined,
    now_ms: number,
  ): void {
    const asked_ms = this.requests.endAside(request);
    if (asked_ms !== undefined) this.#lookedAside(asked_ms, look, now_ms);
    else if (isAwaited(this.#state, request)) this.#judge(look, now_ms);
  }

  #lookedAside(
    asked_ms: number,
    look: StreamLook | undefined,
    now_ms: number,
  ): void {
    const state = this.#state;
    if (state.type !== "feeding") return;
    const problem = state.feeding.looked(asked_ms, look, now_ms) ??
      (look && problemOf(look, this.options));
    if (problem !== undefined) return this.recover(problem, now_ms);
    this.#feed.noteCut(look!.firstSequence);
    if (look!.fences !== undefined) this.commits.isWhole(asked_ms, now_ms);
    this.#tellLimits(look!);
  }

  #tellLimits(look: StreamLook): void {
    this.commits.version2Problem = version2Problem(look.config);
    this.output.do({ type: "limits", limits: limitsOf(look, this.log.id) });
  }

  /** Goes on if the stream is still the log that was applied. */
  #judge(look: StreamLook | undefined, now_ms: number): void {
    const { id } = this.log;
    const verdict = this.log.judge(look, now_ms);
    // Its snapshots have to be found.
    if (look !== undefined && this.log.id !== id) this.#tellLimits(look);
    if (verdict.type !== "same") {
      // The consumer from before has given it since the stream was asked.
      return verdict.type === "hole" && verdict.missing <= this.#feed.fed
        ? this.#look(now_ms)
        : this.#do(followStep(verdict), look, now_ms);
    }
    this.output.notAhead();
    this.#tellLimits(look!);
    if (verdict.lostId) {
      this.output.do({ type: "write_identity", id: this.log.id });
    }
    if (look!.lastSequence < this.#knownEnd) this.admission.doubt();
    // Before the connection was lost, the stream may have refused a batch.
    this.commits.sawEnd(this.#asked_ms, look!.lastSequence);
    this.#startConsumer(look!, now_ms);
  }

  #do(
    { status, isWhole, endsBatches, then }: FollowStep,
    look: StreamLook | undefined,
    now_ms: number,
  ): void {
    if (isWhole) this.output.notAhead();
    else this.admission.doubt();
    if (endsBatches) {
      this.output.do({ type: "stop_consumer" });
      this.commits.abandon(status.reason);
    }
    this.output.setStatus(status.state, status.reason, now_ms, status);
    if (then === "read_to_fence") {
      return this.#startConsumer(look!, now_ms, true);
    }
    this.#state = then === "retry"
      ? untilRetry(now_ms)
      : { type: "waiting", until_ms: now_ms + AHEAD_LOOK_MS };
  }

  #startConsumer(
    look: StreamLook,
    now_ms: number,
    isBeforeFence = false,
  ): void {
    this.#isBeforeFence = isBeforeFence;
    this.#feed.noteFirstSequence(look.firstSequence);
    this.#feed.noteCut(look.firstSequence);
    this.#feed.noteLastSequence(look.lastSequence);
    if (look.identified !== undefined) this.#feed.noteLast(look.identified);
    this.#feed.expect(look.required);
    // Before anything is published again: what was right may have been edited.
    const wrong = problemOf(look, this.options);
    if (wrong !== undefined) return this.#tryAgain(wrong, now_ms);
    this.#placement = new Placement(look.leader);
    this.#place(now_ms);
  }

  #place(now_ms: number): void {
    this.output.do({
      type: "start_consumer",
      request: this.#ask(now_ms),
      first: this.#feed.fed + 1,
    });
  }

  /** A consumer has been started, and has given nothing yet. */
  consumerStarted({ request, server }: ConsumerStarted, now_ms: number): void {
    if (!isAwaited(this.#state, request)) return;
    switch (this.#placement.started(server)) {
      case "again":
        return this.#place(now_ms);
      case "look":
        this.output.do({ type: "stop_consumer" });
        return this.#tryAgain("no consumer is on the stream's leader", now_ms);
    }
    const feeding = new Feeding(
      this.log,
      this.commits,
      this.requests,
      this.output,
      this.admission,
      now_ms,
    );
    this.#state = { type: "feeding", feeding };
    feeding.begin(this.#isBeforeFence, now_ms);
    this.output.do({ type: "take_consumer" });
  }

  /** A request has no answer. */
  failed(request: number, reason: string, now_ms: number): void {
    // The heartbeats tell when the stream is gone or the broker away.
    if (this.requests.endAside(request) !== undefined) return;
    if (!isAwaited(this.#state, request)) return;
    this.log.noAnswer();
    this.#tryAgain(reason, now_ms);
  }

  /** The server forbids what is under way, or what the consumer needs. */
  forbidden(reason: string, now_ms: number): void {
    if (this.#state.type === "asking") this.#tryAgain(reason, now_ms);
    else this.recover(reason, now_ms);
  }

  #tryAgain(reason: string, now_ms: number): void {
    this.#state = untilRetry(now_ms);
    this.output.setStatus("away", reason, now_ms);
  }

  /** Looks at the stream and starts a new consumer, if there is one now. */
  recover(reason: string, now_ms: number): void {
    if (this.#state.type !== "feeding") return;
    this.output.setStatus("away", reason, now_ms);
    this.#look(now_ms);
  }
}
