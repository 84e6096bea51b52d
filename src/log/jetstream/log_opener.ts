/**
 * Finding the stream, and opening it: until then it is looked at again and
 * again, and made if it is not there. It does no I/O.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { EntryFeed } from "./entry_feed.ts";
import { KnownLog } from "./known_log.ts";
import { infoOf, type OpeningOptions, openingStep } from "./opening.ts";
import type { Requests } from "./requests.ts";
import { FENCES_ALONE, type StreamLook } from "./stream_look.ts";
import type { SessionOutput } from "./session_output.ts";
import { dueAfter, isAwaited, untilRetry, type Wait } from "./wait.ts";

/**
 * For how long it counts that there was no log: while nobody answers this
 * replica, others may make one, and NATS may lose it again.
 */
export const LACK_COUNTS_MS = 5_000;

/** What was found when the log was looked for last. */
type Finding =
  | "not looked for"
  | "there"
  /** Not there; that counts over this connection, and until then. */
  | { readonly lackCountsUntil_ms: number };

/** Opens one stream, over one connection after the other. */
export class LogOpener {
  #wait: Wait = { type: "offline" };
  #finding: Finding = "not looked for";
  #wanted: "nothing" | "look" | "log" = "nothing";
  /** The identity that an empty log is to have; undefined for any. */
  #wantedId: string | undefined;

  /**
   * @param options The stream.
   * @param feed What will be fed from it.
   * @param requests Numbers the requests.
   * @param output Takes what is to be done.
   * @param admission Says whether the replica may propose.
   */
  constructor(
    private readonly options: OpeningOptions,
    private readonly feed: EntryFeed,
    private readonly requests: Requests,
    private readonly output: SessionOutput,
    private readonly admission: Admission,
  ) {}

  /** NATS is connected. */
  connected(now_ms: number): void {
    if (this.#wanted === "nothing") this.#wait = { type: "idle" };
    else this.#look(now_ms);
  }

  /** The connection is lost, or an attempt failed. */
  disconnected(reason: string, now_ms: number): void {
    this.#wait = { type: "offline" };
    if (typeof this.#finding === "object") {
      this.#finding = { lackCountsUntil_ms: -Infinity };
    }
    this.output.setStatus("away", reason, now_ms);
  }

  /** It is wanted whether the log is there. */
  find(now_ms: number): void {
    this.#want("look", now_ms);
  }

  /**
   * The log itself is wanted.
   *
   * @param id Its identity if it is made now, or has had no entry yet.
   */
  open(id: string | undefined, now_ms: number): void {
    this.#wantedId = id;
    this.#want("log", now_ms);
  }

  #want(wanted: "look" | "log", now_ms: number): void {
    this.#wanted = wanted;
    if (this.#wait.type === "idle") this.#look(now_ms);
  }

  /** Does what is due while NATS is connected. */
  tick(now_ms: number): void {
    switch (dueAfter(this.#wait, now_ms)) {
      case "unanswered":
        return this.#tryAgain("NATS does not answer", now_ms);
      case "look":
        return this.#look(now_ms);
    }
  }

  #ask(now_ms: number): number {
    const awaited = this.requests.begin(now_ms);
    this.#wait = { type: "asking", awaited };
    return awaited.request;
  }

  #look(now_ms: number): void {
    const request = this.#ask(now_ms);
    this.output.do({ type: "look", request, question: FENCES_ALONE });
  }

  /**
   * A request to look at the stream, or to make it, has its answer.
   *
   * @returns The log, once it is open.
   */
  looked(
    request: number,
    look: StreamLook | undefined,
    now_ms: number,
  ): KnownLog | undefined {
    if (!isAwaited(this.#wait, request)) return undefined;
    if (this.#wanted === "look") return this.#found(look, now_ms);
    return this.#open(look, now_ms);
  }

  #found(look: StreamLook | undefined, now_ms: number): undefined {
    this.#wanted = "nothing";
    this.#wait = { type: "idle" };
    this.admission.found();
    this.#finding = look !== undefined
      ? "there"
      : { lackCountsUntil_ms: now_ms + LACK_COUNTS_MS };
    const info = look && infoOf(look, this.options);
    this.output.do({ type: "found", info });
  }

  #open(look: StreamLook | undefined, now_ms: number): KnownLog | undefined {
    const step = openingStep(look, this.options, this.#wantedId);
    switch (step.type) {
      case "make":
        this.#make(now_ms);
        return undefined;
      case "rename": {
        const request = this.#ask(now_ms);
        this.output.do({ type: "rename_stream", request, id: step.id });
        return undefined;
      }
      case "wrong":
        this.#tryAgain(step.reason, now_ms);
        return undefined;
      case "open":
        this.admission.opened();
        this.feed.noteLastSequence(step.info.lastSequence);
        this.output.do({ type: "opened", info: step.info });
        return new KnownLog(look!, this.feed);
    }
  }

  /** Others may have made the log, and applied what it has lost since. */
  #make(now_ms: number): void {
    const finding = this.#finding;
    if (finding === "there") {
      return this.#tryAgain(
        "the stream is gone since this replica found it: other replicas that have applied it make it again; else put it back, or start this replica anew to make a new log",
        now_ms,
      );
    }
    if (typeof finding === "object" && now_ms >= finding.lackCountsUntil_ms) {
      this.#wanted = "nothing";
      this.#wait = { type: "idle" };
      return this.output.do({ type: "find_again" });
    }
    const request = this.#ask(now_ms);
    const id = this.#wantedId ?? this.options.newLogId;
    this.output.do({ type: "make_stream", request, id });
  }

  /** A request has no answer. */
  failed(request: number, reason: string, now_ms: number): void {
    if (isAwaited(this.#wait, request)) this.#tryAgain(reason, now_ms);
  }

  /** The server forbids what is under way. */
  forbidden(reason: string, now_ms: number): void {
    if (this.#wait.type === "asking") this.#tryAgain(reason, now_ms);
  }

  #tryAgain(reason: string, now_ms: number): void {
    this.#wait = untilRetry(now_ms);
    this.output.setStatus("away", reason, now_ms);
  }
}
