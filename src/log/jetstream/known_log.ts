/**
 * The log that this replica found when it started, and whether a stream is it.
 * It does no I/O.
 *
 * @module
 */
import type { EntryFeed } from "./entry_feed.ts";
import {
  type AppliedLog,
  judge,
  questionFor,
  type StreamLook,
  type StreamQuestion,
  type Verdict,
} from "./same_log.ts";
import { logIdentity, toldIdentity } from "./stream_config.ts";
import { Suspicion } from "./suspicion.ts";

/** The log looks like another one; its servers may have yet to agree. */
interface Doubtful {
  readonly type: "doubtful";
  readonly reason: string;
}

/** One log, from the first look on. */
export class KnownLog {
  #id: string;
  #created: string;
  /** On how many servers the stream is kept. */
  #servers: number;
  /** What was applied when the stream was asked. */
  #asked: AppliedLog;
  /** Whether it is known that the stream does not tell the log's identity. */
  #isIdLost = false;
  readonly #suspicion = new Suspicion();

  /** @param look The first look. @param feed What is fed from the log. */
  constructor(look: StreamLook, private readonly feed: EntryFeed) {
    const { config, created } = look;
    this.#id = logIdentity(config, created);
    this.#created = created;
    this.#servers = config.num_replicas;
    this.#asked = { id: this.#id, created, fed: 0, last: undefined };
  }

  /** The log's identity. */
  get id(): string {
    return this.#id;
  }

  /**
   * @returns What to ask the stream, to judge it by what is applied now:
   * entries may be fed until the answer comes.
   */
  ask(): StreamQuestion {
    const { fed, last } = this.feed;
    this.#asked = { id: this.#id, created: this.#created, fed, last };
    return questionFor(this.#asked);
  }

  /**
   * @param look What the stream answered; undefined if there is none.
   * @returns What it means. Where several servers keep the stream, a difference
   * counts only when it lasts. A cut counts at once: no server takes one back,
   * and only a snapshot that the log goes on from is taken for it.
   */
  judge(look: StreamLook | undefined, now_ms: number): Verdict | Doubtful {
    if (look !== undefined) this.#servers = look.config.num_replicas;
    const verdict = judge(look, this.#asked);
    if (verdict.type === "same") {
      this.#created = look!.created;
      this.#id = toldIdentity(look!.config) ?? this.#id;
      this.#isIdLost = verdict.lostId;
      this.#suspicion.clear();
      return verdict;
    }
    if (verdict.type === "hole") return verdict;
    // A single server can't disagree with itself.
    if (this.#servers === 1 || this.#suspicion.lasts(now_ms)) return verdict;
    return {
      type: "doubtful",
      reason: `${verdict.reason}, unless its servers have yet to agree`,
    };
  }

  /**
   * @param look What the stream answered while entries are fed, without the
   * entries themselves.
   * @returns Why the stream is to be judged anew; undefined if there is no need.
   */
  problem(look: StreamLook | undefined): string | undefined {
    const verdict = judge(look, this.#asked);
    if (verdict.type !== "same") return verdict.reason;
    this.#id = toldIdentity(look!.config) ?? this.#id;
    if (!verdict.lostId) this.#isIdLost = false;
    return verdict.lostId && !this.#isIdLost
      ? "the stream's description does not tell the log's id any more"
      : undefined;
  }

  /** The stream did not answer: what was seen before counts no more. */
  noAnswer(): void {
    this.#suspicion.clear();
  }
}
