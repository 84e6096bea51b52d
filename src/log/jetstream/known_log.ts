/**
 * The log that this replica found when it started, and whether a stream is it.
 * It does no I/O.
 *
 * @module
 */
import type { LogLoss } from "../healable_log.ts";
import type { EntryFeed } from "./entry_feed.ts";
import { healingProblem } from "./healing_problem.ts";
import { type AppliedLog, judge, questionFor } from "./same_log.ts";
import { logIdentity, toldIdentity } from "./log_identity.ts";
import type { StreamLook, StreamQuestion } from "./stream_look.ts";
import { Suspicion } from "./suspicion.ts";
import type { Verdict } from "./verdict.ts";

/** The log looks like another one; its servers may have yet to agree. */
export interface Doubtful {
  readonly type: "doubtful";
  readonly reason: string;
  /** What is lost if they do. */
  readonly loss: LogLoss | undefined;
}

/** A look at the stream that is judged by what was applied when it was asked. */
export interface JudgedLook {
  readonly question: StreamQuestion;
  /** @returns What the answer means. */
  judge(look: StreamLook | undefined): Verdict;
}

/** One log, from the first look on. */
export class KnownLog {
  #id: string;
  #created: string;
  /** On how many servers the stream is kept. */
  #servers: number;
  #serverVersion = "";
  /** What was applied when the stream was asked. */
  #asked: AppliedLog;
  /** Whether it is known that the stream does not tell the log's identity. */
  #isIdLost = false;
  /** Whether a loss or a fence was seen since the stream was the log last. */
  #hasLost = false;
  /**
   * Which entry was another one in the stream since it was the log last. A loss
   * afterwards may take the other entries, but not what they have told: others
   * have gone on from them.
   */
  #fork: string | undefined;
  readonly #suspicion = new Suspicion();

  /** @param look The first look. @param feed What is fed from the log. */
  constructor(look: StreamLook, private readonly feed: EntryFeed) {
    const { config, created } = look;
    this.#id = logIdentity(config, created);
    this.#created = created;
    this.#servers = config.num_replicas;
    this.connected(look.serverVersion);
    this.#asked = this.#applied();
  }

  /** The log's identity. */
  get id(): string {
    return this.#id;
  }

  /** On how many servers the stream is kept, or was before it was lost. */
  get servers(): number {
    return this.#servers;
  }

  /** NATS is connected; the version of the server, if it is known. */
  connected(serverVersion: string | undefined): void {
    this.#serverVersion = serverVersion ?? this.#serverVersion;
  }

  /** A fence stands before the next entry. */
  sawFence(): void {
    this.#hasLost = true;
  }

  #applied(): AppliedLog {
    const { fed, last, times } = this.feed;
    return {
      id: this.#id,
      created: this.#created,
      fed,
      last,
      times,
      hasLost: this.#hasLost,
    };
  }

  /**
   * @returns What to ask the stream, to judge it by what is applied now:
   * entries may be fed until the answer comes.
   */
  ask(): StreamQuestion {
    this.#asked = this.#applied();
    return questionFor(this.#asked);
  }

  /** @returns A look beside all others, judged without a suspicion. */
  askAside(): JudgedLook {
    const applied = this.#applied();
    return {
      question: questionFor(applied),
      judge: (look) =>
        this.#withFork(this.#withProblem(judge(look, applied), look), look),
    };
  }

  /**
   * @param look What the stream answered; undefined if there is none.
   * @returns What it means. Where several servers keep the stream, a difference
   * counts only when it lasts. A cut counts at once: no server takes one back,
   * and only a snapshot that the log goes on from is taken for it. So does a
   * fence, which says what it is about.
   */
  judge(look: StreamLook | undefined, now_ms: number): Verdict | Doubtful {
    if (look !== undefined) {
      this.#servers = look.config.num_replicas;
      this.#takeOver(look);
    }
    const verdict = this.#withFork(
      this.#withProblem(judge(look, this.#asked), look),
      look,
    );
    switch (verdict.type) {
      case "same":
        this.#fork = undefined;
        this.#created = look!.created;
        this.#id = toldIdentity(look!.config) ?? this.#id;
        this.#isIdLost = verdict.lostId;
        this.#hasLost = false;
        this.#suspicion.clear();
        return verdict;
      case "hole":
        return verdict;
    }
    this.#hasLost = true;
    if (verdict.type === "forked") this.#fork = verdict.reason;
    const loss = verdict.type === "lost" ? verdict.loss : undefined;
    // A single server can't disagree with itself.
    if (
      loss?.type === "fenced" || this.#servers === 1 ||
      this.#suspicion.lasts(now_ms)
    ) return verdict;
    const { reason } = loss ?? verdict as { reason: string };
    return {
      type: "doubtful",
      reason: `${reason}, unless its servers have yet to agree`,
      loss,
    };
  }

  /** Nothing is applied that another log would not explain. */
  #takeOver({ config }: StreamLook): void {
    const told = toldIdentity(config);
    if (told === undefined || this.#asked.fed > 0) return;
    this.#id = told;
    this.#asked = { ...this.#asked, id: told };
  }

  /**
   * Once another entry was seen, only the entry that was applied last shows that
   * the stream is the log again: the other one may have been cut off since.
   */
  #withFork(verdict: Verdict, look: StreamLook | undefined): Verdict {
    const isProven = verdict.type === "same" && look?.identified !== undefined;
    return this.#fork === undefined || isProven
      ? verdict
      : { type: "forked", reason: this.#fork };
  }

  #withProblem(verdict: Verdict, look: StreamLook | undefined): Verdict {
    if (verdict.type !== "lost") return verdict;
    const { serverVersion = this.#serverVersion, config } = look ?? {};
    const problem = healingProblem(this.#id, serverVersion, config);
    return problem === undefined
      ? verdict
      : { ...verdict, loss: { ...verdict.loss, problem } };
  }

  /**
   * @param look What the stream answered while entries are fed, without the
   * entries themselves.
   * @returns Why the stream is to be judged anew; undefined if there is no need.
   */
  problem(look: StreamLook | undefined): string | undefined {
    const verdict = judge(look, this.#asked);
    if (verdict.type === "lost") return verdict.loss.reason;
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
