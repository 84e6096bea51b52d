/**
 * This replica's batches on their way into the log, and whether they get there.
 * It does no I/O.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import { NotStoredError } from "../log.ts";
import { CommitHealth } from "./commit_health.ts";
import { EntryFeed } from "./entry_feed.ts";
import { guardOf } from "./guard.ts";
import { probeAfter } from "./probe.ts";
import type { Proposal } from "./proposal.ts";
import { Proposals } from "./proposals.ts";
import { PROBE_BATCH, type PublishAction } from "./session_actions.ts";
import type { OwnSubjects } from "./subjects.ts";

/** What changed: sets do not commit any more, or they do again. */
export type CommitChange = "stalled" | "recovered" | undefined;

/** The batches of one session. */
export class Commits {
  readonly feed: EntryFeed;
  readonly #proposals: Proposals;
  readonly #health = new CommitHealth();
  #lastProbe = 0;
  /** The seam that the next batches are to make. */
  #seam = 1;
  #isSeamMade = false;
  /** Why the log takes no entries of version 2; undefined if it does. */
  version2Problem: string | undefined;

  /**
   * @param session Begins the message ids of this session.
   * @param subjects Where this replica proposes.
   * @param timeout_ms How long a batch may take.
   * @param publish Publishes a batch or a probe.
   */
  constructor(
    session: string,
    private readonly subjects: OwnSubjects,
    timeout_ms: number,
    private readonly publish: (action: PublishAction) => void,
  ) {
    this.#proposals = new Proposals(timeout_ms);
    this.feed = new EntryFeed(session, subjects, this.#proposals);
  }

  /** Why sets do not commit; undefined if they do, as far as is known. */
  get stall(): string | undefined {
    return this.#health.isStalled ? this.#health.reason : undefined;
  }

  /** @returns The end of the batch. */
  propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion,
    now_ms: number,
  ): Promise<void> {
    if (version === 2 && this.version2Problem !== undefined) {
      return Promise.reject(
        new NotStoredError(`Cannot delete: ${this.version2Problem}`),
      );
    }
    const proposal = this.#proposals.add(batch, payload, version, now_ms);
    this.#health.proposed(now_ms);
    this.#publish(proposal);
    return proposal.ended;
  }

  #publish(proposal: Proposal): void {
    const { batch, payload, version } = proposal;
    const messageId = this.feed.own.messageId(batch);
    const guard = proposal.guard = this.#proposals.count === 1
      ? guardOf(proposal, this.feed)
      : undefined;
    this.publish({
      type: "publish",
      batch,
      messageId,
      payload,
      version,
      ...this.#seamToMake,
      ...guard,
    });
  }

  get #seamToMake(): Pick<PublishAction, "seam"> {
    return this.#isSeamMade ? {} : { seam: this.#seam };
  }

  /** The log may have gone another way since the last batch was published. */
  beginSeam(): void {
    this.#seam++;
    this.#isSeamMade = false;
  }

  /** A new consumer gives entries: publishes again what is still under way. */
  publishAgain(now_ms: number): void {
    this.#proposals.settle(this.feed.fed, now_ms);
    this.#proposals.retry(now_ms, 0).forEach((one) => this.#publish(one));
  }

  /**
   * A look at its entries, asked for at a time, has shown that the log is whole,
   * and where it ends.
   */
  isWhole(asked_ms: number, end: number, now_ms: number): void {
    const due = this.#proposals.isWhole(asked_ms, end, now_ms);
    if (due.length > 0) this.feed.own.forgetLast();
    due.forEach((one) => this.#publish(one));
  }

  /** Ends what has waited too long, connected or not. */
  expire(now_ms: number): void {
    this.#proposals.expire(now_ms);
  }

  /** Publishes what is due while a consumer gives entries. */
  tick(now_ms: number): CommitChange {
    this.#publishOutrun(now_ms);
    this.#proposals.retry(now_ms).forEach((one) => this.#publish(one));
    this.#proposals.settle(this.feed.fed, now_ms);
    // What was published names it, and is published again.
    if (this.#proposals.count === 0) {
      this.feed.own.tick(this.feed.fed, now_ms);
    }
    switch (this.#health.tick(now_ms)) {
      case "stall":
        return "stalled";
      case "probe":
        return this.#probe(now_ms);
      default:
        return undefined;
    }
  }

  #probe(now_ms: number): CommitChange {
    const probe = probeAfter(this.feed);
    if (probe !== undefined) {
      const messageId = this.feed.own.messageId(`probe.${++this.#lastProbe}`);
      this.publish({
        type: "publish",
        batch: PROBE_BATCH,
        messageId,
        ...this.#seamToMake,
        version: 1,
        ...probe,
      });
      return undefined;
    }
    if (!this.#health.isBlindRetryDue(now_ms)) return undefined;
    this.#health.clear();
    return "recovered";
  }

  /** An own entry, a probe's too, has come back. */
  committed(): CommitChange {
    if (this.feed.own.seam === String(this.#seam)) this.#isSeamMade = true;
    const wasStalled = this.#health.isStalled;
    this.#health.clear();
    return wasStalled ? "recovered" : undefined;
  }

  /** A server that was started anew may store again. */
  reconnected(): void {
    this.#health.clear();
  }

  /**
   * An answer says that the stream refused a batch.
   *
   * @returns Whether to look at the log, to confirm it.
   */
  refused(batch: number, reason: string, now_ms: number): boolean {
    // A log that has moved on refuses a probe: that shows nothing.
    if (batch === PROBE_BATCH) return false;
    if (!this.#proposals.refused(batch, reason, now_ms)) {
      this.#publishOutrun(now_ms);
      return false;
    }
    this.#health.refused(reason, now_ms);
    return true;
  }

  #publishOutrun(now_ms: number): void {
    this.#proposals.outrun(this.feed.lastSequence, now_ms)
      .forEach((one) => this.#publish(one));
  }

  /** Whether a refusal is still to be confirmed by a look at the log's entries. */
  get isConfirming(): boolean {
    return this.#proposals.isRefused;
  }

  /** A look that was asked for at a time found the log's end. */
  sawEnd(asked_ms: number, end: number): void {
    this.#proposals.sawEnd(asked_ms, end);
  }

  /** A batch could not be sent. */
  unsent(batch: number, reason: string): void {
    this.#proposals.deny(batch, reason);
  }

  /**
   * The server does not allow to publish to a subject.
   *
   * @returns Whether it is the one of the batches: for them, the violation
   * replaces the ack.
   */
  forbidden(subject: string, reason: string, now_ms: number): boolean {
    if (subject === this.subjects[1]) {
      this.#health.refused(reason, now_ms);
      this.#proposals.denyAll(1, reason);
      return true;
    }
    if (subject !== this.subjects[2]) return false;
    this.#proposals.denyAll(
      2,
      `Cannot delete: ${reason}: allow it for this replica's user, as src/OPERATIONS.md lists`,
    );
    // It says nothing of sets.
    if (this.#proposals.count === 0) this.#health.withdrawn();
    return true;
  }

  /** Ends all batches, since their entries will not come any more. */
  abandon(reason: string): void {
    this.#health.clear();
    this.#proposals.abandon(reason);
  }
}
