/**
 * The time in which a consumer gives entries: whether it is alive, what the
 * stream says meanwhile, and whether sets commit. It does no I/O.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { CommitChange, Commits } from "./commits.ts";
import type { KnownLog } from "./known_log.ts";
import { Liveness } from "./liveness.ts";
import type { Requests } from "./requests.ts";
import type { SessionOutput } from "./session_output.ts";
import { NO_ENTRIES, type StreamLook } from "./stream_look.ts";

/** Why this replica proposes nothing while the others are heard. */
const HEARING =
  "the other replicas are being asked what they have applied, since the NATS server was started anew or the log's end went back";

/** Whether batches are published. */
type Gate =
  | "open"
  /** Not before the other replicas were heard. */
  | "hearing"
  /** Entries before a fence are read, and nothing comes after it. */
  | "fence";

/** Watches one consumer. */
export class Feeding {
  readonly #liveness: Liveness;
  #gate: Gate = "fence";

  /**
   * @param log The log that the entries are of.
   * @param commits The batches on their way into it.
   * @param requests Numbers the looks.
   * @param output Takes what is to be done.
   * @param admission Whether batches may be published.
   * @param now_ms When the consumer was started.
   */
  constructor(
    private readonly log: KnownLog,
    private readonly commits: Commits,
    private readonly requests: Requests,
    private readonly output: SessionOutput,
    private readonly admission: Admission,
    now_ms: number,
  ) {
    this.#liveness = new Liveness(commits.feed.fed, now_ms);
  }

  /**
   * The consumer has been started.
   *
   * @param isBeforeFence Whether a fence ends what it gives.
   */
  begin(isBeforeFence: boolean, now_ms: number): void {
    if (isBeforeFence) return;
    if (this.admission.isGiven) return this.#open(now_ms);
    this.#gate = "hearing";
    this.commits.beginSeam();
    this.output.setStatus("away", HEARING, now_ms, { isWhole: true });
    const hearing = this.admission.begin();
    this.output.do({ type: "hear_others", hearing });
  }

  #open(now_ms: number): void {
    this.#gate = "open";
    const { stall } = this.commits;
    if (stall === undefined) {
      this.output.setStatus("connected", "entries are coming", now_ms);
    } else this.output.setStatus("away", stall, now_ms);
    this.commits.publishAgain(now_ms);
  }

  /** The other replicas were heard. */
  othersHeard(hearing: number, now_ms: number): void {
    if (this.#gate !== "hearing" || !this.admission.heard(hearing)) return;
    this.#open(now_ms);
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
    const isWaiting = this.requests.isAsideUnderWay(now_ms);
    if (!isWaiting && liveness.isLookDue(now_ms)) this.look(now_ms);
    if (this.#gate === "open") {
      this.commitsChanged(this.commits.tick(now_ms), now_ms);
    }
    return undefined;
  }

  /** Tells whether sets commit, if that has changed. */
  commitsChanged(change: CommitChange, now_ms: number): void {
    if (this.#gate !== "open") return;
    if (change === "recovered") {
      this.output.setStatus("connected", "sets are taken again", now_ms);
    } else if (change === "stalled") {
      this.output.setStatus("away", this.commits.stall!, now_ms);
    }
  }

  /**
   * Looks at the stream while entries come.
   *
   * @param asksEntries Whether to look at its entries too.
   */
  look(now_ms: number, asksEntries = false): void {
    const asked = this.log.ask();
    const request = this.requests.beginAside(now_ms);
    // It takes the place of one that was asked to confirm a refusal.
    const question = asksEntries || this.commits.isConfirming
      ? asked
      : NO_ENTRIES;
    this.output.do({ type: "look", request, question });
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
