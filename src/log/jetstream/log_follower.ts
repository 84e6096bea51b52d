/**
 * Following the log, once it is open: what is waited for, over one connection
 * after the other. It does no I/O.
 *
 * Whatever goes wrong with the connection, the consumer or the stream, there is
 * one remedy: look at the stream, and if it is still the log that was applied,
 * start a new consumer after the last entry.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { Commits } from "./commits.ts";
import { ConsumerMessages } from "./consumer_messages.ts";
import { ConsumerStart } from "./consumer_start.ts";
import type { EntryFeed } from "./entry_feed.ts";
import type { FeedMessage } from "./feed_message.ts";
import { Feeding } from "./feeding.ts";
import type { KnownLog } from "./known_log.ts";
import { type OpeningOptions, problemOf } from "./opening.ts";
import type { Requests } from "./requests.ts";
import type { ConsumerStarted } from "./session_events.ts";
import type { StreamLook } from "./stream_look.ts";
import type { SessionOutput } from "./session_output.ts";
import { StreamJudge } from "./stream_judge.ts";
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
  readonly #judge: StreamJudge;
  readonly #consumer: ConsumerStart;
  readonly #messages: ConsumerMessages;

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
    this.#judge = new StreamJudge(log, commits, admission, output);
    this.#consumer = new ConsumerStart(this.#feed, options, output);
    this.#messages = new ConsumerMessages(log, commits, admission, output);
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
    // It was asked over the connection before.
    this.requests.dropAside();
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
    const feeding = state.type === "feeding" ? state.feeding : undefined;
    switch (this.#messages.receive(message, feeding, now_ms)) {
      case "look":
        return this.#look(now_ms);
      case "retry":
        this.#state = untilRetry(now_ms);
        return;
      case "over":
        this.#state = { type: "over" };
    }
  }

  /** @returns The number of a request, which is waited for. */
  #ask(now_ms: number): number {
    const awaited = this.requests.begin(now_ms);
    this.#state = { type: "asking", awaited };
    return awaited.request;
  }

  #look(now_ms: number): void {
    const question = this.#judge.ask(now_ms);
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
    else if (isAwaited(this.#state, request)) this.#take(look, now_ms);
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
    this.#feed.own.noteCut(look!.firstSequence);
    const { fences, lastSequence } = look!;
    if (fences !== undefined) {
      this.commits.isWhole(asked_ms, lastSequence, now_ms);
    }
    this.#judge.tellLimits(look!);
  }

  /** Goes on if the stream is still the log that was applied. */
  #take(look: StreamLook | undefined, now_ms: number): void {
    const next = this.#judge.judge(look, now_ms);
    switch (next) {
      case "look":
        return this.#look(now_ms);
      case "consume":
      case "consume_to_fence":
        return this.#startConsumer(look!, now_ms, next === "consume_to_fence");
      case "retry":
        this.#state = untilRetry(now_ms);
        return;
      case "wait":
        this.#state = { type: "waiting", until_ms: now_ms + AHEAD_LOOK_MS };
    }
  }

  #startConsumer(
    look: StreamLook,
    now_ms: number,
    isBeforeFence: boolean,
  ): void {
    const problem = this.#consumer.prepare(look, isBeforeFence);
    if (problem !== undefined) return this.#tryAgain(problem, now_ms);
    this.#consumer.start(this.#ask(now_ms));
  }

  /** A consumer has been started, and has given nothing yet. */
  consumerStarted({ request, server }: ConsumerStarted, now_ms: number): void {
    if (!isAwaited(this.#state, request)) return;
    switch (this.#consumer.started(server)) {
      case "again":
        return this.#consumer.start(this.#ask(now_ms));
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
    feeding.begin(this.#consumer.isBeforeFence, now_ms);
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
