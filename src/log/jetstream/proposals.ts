/**
 * Own batches that are published and have not come back yet.
 *
 * Publishing again is harmless as long as the log remembers the message id, so
 * a batch is published again until it comes back or its time is over.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import { NotStoredError, OutcomeUnknownError } from "../log.ts";
import type { PublishAction } from "./session_actions.ts";

/** After how long without an entry a batch is published again. */
export const RETRY_AFTER_MS = 1_000;

/**
 * For how long a refusal has to stand, and the log's end be fed meanwhile,
 * before it is believed: anyone who sees a batch can answer it.
 */
export const REFUSAL_STANDS_MS = 250;

/** How JetStream says that an entry which is to be the last one is not. */
const WRONG_LAST = /wrong last sequence/;

/** Why a batch is said to be refused. */
interface Refusal {
  readonly reason: string;
  readonly at_ms: number;
  /** The log's end as it was seen since; undefined until it was. */
  end: number | undefined;
}

/** What a stream must have to take a batch: one of two entries as its last. */
export type Guard = Pick<PublishAction, "lastOwn" | "after" | "afterTime">;

/** One batch on its way. */
export interface Proposal {
  readonly batch: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly version: EntryVersion;
  readonly deadline_ms: number;
  readonly resolve: () => void;
  readonly reject: (error: NotStoredError | OutcomeUnknownError) => void;
  /** How often it was published. */
  attempts: number;
  published_ms: number;
  /** What the last attempt asked of the stream. */
  guard: Guard | undefined;
  /** Why the first attempt is said to be refused. */
  refusal: Refusal | undefined;
  /** The log's end, when a look had shown that the log is whole. */
  end: number;
  /** Whether the stream is said to lack what a later attempt asked for. */
  isOutrun: boolean;
}

/** Keeps the batches on their way; each ends exactly once. */
export class Proposals {
  readonly #byBatch = new Map<number, Proposal>();

  /** @param timeout_ms How long a batch may take, less than the log remembers ids. */
  constructor(private readonly timeout_ms: number) {}

  /**
   * Takes a batch that is about to be published for the first time.
   *
   * @returns The proposal, and a promise of its end.
   */
  add(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion,
    now_ms: number,
  ): { proposal: Proposal; ended: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const proposal: Proposal = {
      batch,
      payload,
      version,
      deadline_ms: now_ms + this.timeout_ms,
      resolve,
      reject,
      attempts: 1,
      published_ms: now_ms,
      guard: undefined,
      refusal: undefined,
      end: 0,
      isOutrun: false,
    };
    this.#byBatch.set(batch, proposal);
    return { proposal, ended: promise };
  }

  /**
   * An own entry has come back.
   *
   * @returns Whether its batch was still waited for; else it is applied like
   * another replica's.
   */
  commit(batch: number): boolean {
    const proposal = this.#take(batch);
    proposal?.resolve();
    return proposal !== undefined;
  }

  #take(batch: number): Proposal | undefined {
    const proposal = this.#byBatch.get(batch);
    this.#byBatch.delete(batch);
    return proposal;
  }

  /**
   * An answer says that the log refused a batch. That ends it only after a single
   * attempt: while the stream stores a batch, it refuses a second attempt as a
   * duplicate.
   *
   * @returns Whether it is to be confirmed by looking at the log.
   */
  refused(batch: number, reason: string, now_ms: number): boolean {
    const proposal = this.#byBatch.get(batch);
    if (proposal === undefined || proposal.refusal) return false;
    if (proposal.attempts > 1) {
      proposal.isOutrun ||= WRONG_LAST.test(reason);
      return false;
    }
    proposal.refusal = { reason, at_ms: now_ms, end: undefined };
    return true;
  }

  /** A look that was asked for after the refusals found the log's end. */
  sawEnd(asked_ms: number, end: number): void {
    for (const { refusal } of this.#byBatch.values()) {
      if (refusal !== undefined && refusal.at_ms <= asked_ms) {
        refusal.end ??= end;
      }
    }
  }

  /** Ends the batches whose refusal stands: all of the log is fed, without them. */
  settle(fed: number, now_ms: number): void {
    for (const { batch, refusal } of this.#byBatch.values()) {
      if (
        refusal?.end !== undefined && refusal.end <= fed &&
        now_ms - refusal.at_ms >= REFUSAL_STANDS_MS
      ) this.#take(batch)!.reject(new NotStoredError(refusal.reason));
    }
  }

  /** Whether a batch is said to be refused. */
  get isRefused(): boolean {
    return this.#byBatch.values().some(({ refusal }) => refusal !== undefined);
  }

  /** How many are on their way. */
  get count(): number {
    return this.#byBatch.size;
  }

  /**
   * A look that was asked for at a time has shown that the log has lost nothing:
   * a batch that was refused for want of an entry before it is not refused any
   * more. That entry was cut off or removed, or the server is older than 2.11
   * and looks for it on the subject of the batch alone.
   *
   * @param end The log's end then.
   * @returns The batches to publish again without it, counted as published.
   */
  isWhole(asked_ms: number, end: number, now_ms: number): Proposal[] {
    const due = [...this.#byBatch.values()].filter(({ refusal, guard }) =>
      guard !== undefined && refusal !== undefined &&
      refusal.at_ms <= asked_ms && WRONG_LAST.test(refusal.reason)
    );
    for (const proposal of due) {
      proposal.refusal = undefined;
      proposal.end = end;
      published(proposal, now_ms);
    }
    return due;
  }

  /**
   * @param end The log's end, as far as it is known.
   * @returns The batches whose later attempt came after others' entries, to be
   * published again, counted as published.
   */
  outrun(end: number, now_ms: number): Proposal[] {
    const due = [...this.#byBatch.values()].filter(({ isOutrun, guard }) =>
      isOutrun && guard?.after !== undefined && guard.after < end
    );
    for (const proposal of due) published(proposal, now_ms);
    return due;
  }

  /** A batch was never sent, or the server itself says that it may not be. */
  deny(batch: number, reason: string): void {
    if (this.#byBatch.get(batch)?.attempts !== 1) return;
    this.#take(batch)!.reject(new NotStoredError(reason));
  }

  /** This replica may not publish entries of a version. */
  denyAll(version: EntryVersion, reason: string): void {
    for (const proposal of [...this.#byBatch.values()]) {
      if (proposal.version === version) this.deny(proposal.batch, reason);
    }
  }

  /**
   * @returns The batches to publish again now, counted as published; none whose
   * time is over, since the log may have forgotten its id.
   */
  retry(now_ms: number, after_ms = RETRY_AFTER_MS): Proposal[] {
    const due: Proposal[] = [];
    for (const proposal of this.#byBatch.values()) {
      if (
        proposal.published_ms + after_ms > now_ms ||
        proposal.deadline_ms <= now_ms || proposal.refusal !== undefined
      ) continue;
      published(proposal, now_ms);
      due.push(proposal);
    }
    return due;
  }

  /** Ends the batches whose time is over. */
  expire(now_ms: number): void {
    for (const { batch, deadline_ms } of this.#byBatch.values()) {
      if (deadline_ms > now_ms) continue;
      this.#take(batch)!.reject(
        new OutcomeUnknownError(
          `The log did not confirm the change within ${this.timeout_ms} ms: its outcome is unknown`,
        ),
      );
    }
  }

  /** Ends all batches, since their entries will not come any more. */
  abandon(reason: string): void {
    for (const proposal of this.#byBatch.values()) {
      proposal.reject(
        new OutcomeUnknownError(`${reason}: the outcome is unknown`),
      );
    }
    this.#byBatch.clear();
  }
}

/** Counts one more attempt. */
function published(proposal: Proposal, now_ms: number): void {
  proposal.published_ms = now_ms;
  proposal.attempts++;
  proposal.isOutrun = false;
}
