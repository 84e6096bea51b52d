/**
 * Own batches that are published and have not come back yet.
 *
 * Publishing again is harmless as long as the log remembers the message id, so
 * a batch is published again until it comes back or its time is over.
 *
 * @module
 */
import { NotStoredError, OutcomeUnknownError } from "../log.ts";

/** After how long without an entry a batch is published again. */
export const RETRY_AFTER_MS = 1_000;

/** One batch on its way. */
export interface Proposal {
  readonly batch: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly deadline: number;
  readonly resolve: () => void;
  readonly reject: (error: NotStoredError | OutcomeUnknownError) => void;
  /** How often it was published. */
  attempts: number;
  publishedAt: number;
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
    now: number,
  ): { proposal: Proposal; ended: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const proposal: Proposal = {
      batch,
      payload,
      deadline: now + this.timeout_ms,
      resolve,
      reject,
      attempts: 1,
      publishedAt: now,
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
    const proposal = this.#byBatch.get(batch);
    if (proposal === undefined) return false;
    this.#byBatch.delete(batch);
    proposal.resolve();
    return true;
  }

  /** The log refused a batch. An earlier attempt may have been taken all the same. */
  refuse(batch: number, reason: string): void {
    const proposal = this.#byBatch.get(batch);
    if (proposal === undefined) return;
    this.#byBatch.delete(batch);
    proposal.reject(
      proposal.attempts === 1
        ? new NotStoredError(reason)
        : new OutcomeUnknownError(reason),
    );
  }

  /** The log refuses whatever this replica proposes. */
  refuseAll(reason: string): void {
    for (const batch of [...this.#byBatch.keys()]) this.refuse(batch, reason);
  }

  /** @returns The batches to publish again now, counted as published. */
  retry(now: number, after_ms = RETRY_AFTER_MS): Proposal[] {
    const due: Proposal[] = [];
    for (const proposal of this.#byBatch.values()) {
      if (proposal.publishedAt + after_ms > now) continue;
      proposal.publishedAt = now;
      proposal.attempts++;
      due.push(proposal);
    }
    return due;
  }

  /** Ends the batches whose time is over. */
  expire(now: number): void {
    for (const proposal of this.#byBatch.values()) {
      if (proposal.deadline > now) continue;
      this.#byBatch.delete(proposal.batch);
      proposal.reject(
        new OutcomeUnknownError(
          `The log did not confirm the set within ${this.timeout_ms} ms: its outcome is unknown`,
        ),
      );
    }
  }

  /** Ends all batches, since nobody will hear of them any more. */
  abandon(reason: string): void {
    for (const proposal of this.#byBatch.values()) {
      proposal.reject(new OutcomeUnknownError(reason));
    }
    this.#byBatch.clear();
  }
}
