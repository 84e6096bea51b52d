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
import { Suspicion } from "./suspicion.ts";

/** The log looks like another one; its servers may have yet to agree. */
interface Doubtful {
  readonly type: "doubtful";
  readonly reason: string;
}

/** One log, from the first look on. */
export class KnownLog {
  readonly #created: string;
  /** On how many servers the stream is kept. */
  #servers: number;
  /** What was applied when the stream was asked. */
  #asked: AppliedLog;
  readonly #suspicion = new Suspicion();

  /** @param look The first look. @param feed What is fed from the log. */
  constructor(look: StreamLook, private readonly feed: EntryFeed) {
    this.#created = look.created;
    this.#servers = look.config.num_replicas;
    this.#asked = { created: look.created, fed: 0, last: undefined };
  }

  /**
   * @returns What to ask the stream, to judge it by what is applied now:
   * entries may be fed until the answer comes.
   */
  ask(): StreamQuestion {
    const { fed, last } = this.feed;
    this.#asked = { created: this.#created, fed, last };
    return questionFor(this.#asked);
  }

  /**
   * @param look What the stream answered; undefined if there is none.
   * @returns What it means. Where several servers keep the stream, a difference
   * counts only when it lasts.
   */
  judge(look: StreamLook | undefined, now_ms: number): Verdict | Doubtful {
    if (look !== undefined) this.#servers = look.config.num_replicas;
    const verdict = judge(look, this.#asked);
    if (verdict.type === "same") {
      this.#suspicion.clear();
      return verdict;
    }
    // A single server can't disagree with itself.
    if (this.#servers === 1 || this.#suspicion.lasts(now_ms)) return verdict;
    return {
      type: "doubtful",
      reason: `${verdict.reason}, unless its servers have yet to agree`,
    };
  }

  /** The stream did not answer: what was seen before counts no more. */
  noAnswer(): void {
    this.#suspicion.clear();
  }
}
