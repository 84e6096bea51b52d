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
import { Proposal } from "./proposal.ts";

/** After how long without an entry a batch is published again. */
export const RETRY_AFTER_MS = 1_000;

/** Keeps the batches on their way; each ends exactly once. */
export class Proposals {
  readonly #byBatch = new Map<number, Proposal>();

  /** @param timeout_ms How long a batch may take, less than the log remembers ids. */
  constructor(private readonly timeout_ms: number) {}

  /** Takes a batch that is about to be published for the first time. */
  add(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion,
    now_ms: number,
  ): Proposal {
    const deadline_ms = now_ms + this.timeout_ms;
    const proposal = new Proposal(batch, payload, version, now_ms, deadline_ms);
    this.#byBatch.set(batch, proposal);
    return proposal;
  }

  /**
   * An own entry has come back.
   *
   * @returns Whether its batch was still waited for; else it is applied like
   * another replica's.
   */
  commit(batch: number): boolean {
    const proposal = this.#take(batch);
    proposal?.commit();
    return proposal !== undefined;
  }

  #take(batch: number): Proposal | undefined {
    const proposal = this.#byBatch.get(batch);
    this.#byBatch.delete(batch);
    return proposal;
  }

  /**
   * An answer says that the log refused a batch.
   *
   * @returns Whether it is to be confirmed by looking at the log.
   */
  refused(batch: number, reason: string, now_ms: number): boolean {
    return this.#byBatch.get(batch)?.refused(reason, now_ms) ?? false;
  }

  /** A look that was asked for after the refusals found the log's end. */
  sawEnd(asked_ms: number, end: number): void {
    for (const one of this.#byBatch.values()) one.sawEnd(asked_ms, end);
  }

  /** Ends the batches whose refusal stands: all of the log is fed, without them. */
  settle(fed: number, now_ms: number): void {
    for (const one of this.#byBatch.values()) {
      const refusal = one.standingRefusal(fed, now_ms);
      if (refusal !== undefined) this.#take(one.batch)!.fail(refusal);
    }
  }

  /** Whether a batch is said to be refused. */
  get isRefused(): boolean {
    return this.#byBatch.values().some(({ isRefused }) => isRefused);
  }

  /** How many are on their way. */
  get count(): number {
    return this.#byBatch.size;
  }

  /**
   * A look that was asked for at a time has shown that the log has lost nothing.
   *
   * @param end The log's end then.
   * @returns The batches that were refused for want of an entry before them, to
   * be published again without it, counted as published.
   */
  isWhole(asked_ms: number, end: number, now_ms: number): Proposal[] {
    return this.#again(now_ms, (one) => one.isWhole(asked_ms, end));
  }

  /**
   * @param end The log's end, as far as it is known.
   * @returns The batches whose later attempt came after others' entries, to be
   * published again, counted as published.
   */
  outrun(end: number, now_ms: number): Proposal[] {
    return this.#again(now_ms, (one) => one.isOutrun(end));
  }

  /** @returns The batches to publish again now, counted as published. */
  retry(now_ms: number, after_ms = RETRY_AFTER_MS): Proposal[] {
    return this.#again(now_ms, (one) => one.isDue(now_ms, after_ms));
  }

  #again(now_ms: number, isDue: (one: Proposal) => boolean): Proposal[] {
    const due: Proposal[] = [];
    for (const one of this.#byBatch.values()) {
      if (!isDue(one)) continue;
      one.published(now_ms);
      due.push(one);
    }
    return due;
  }

  /** A batch was never sent, or the server itself says that it may not be. */
  deny(batch: number, reason: string): void {
    if (this.#byBatch.get(batch)?.attempts !== 1) return;
    this.#take(batch)!.fail(new NotStoredError(reason));
  }

  /** This replica may not publish entries of a version. */
  denyAll(version: EntryVersion, reason: string): void {
    for (const proposal of [...this.#byBatch.values()]) {
      if (proposal.version === version) this.deny(proposal.batch, reason);
    }
  }

  /** Ends the batches whose time is over. */
  expire(now_ms: number): void {
    for (const { batch, deadline_ms } of this.#byBatch.values()) {
      if (deadline_ms > now_ms) continue;
      this.#take(batch)!.fail(
        new OutcomeUnknownError(
          `The log did not confirm the change within ${this.timeout_ms} ms: its outcome is unknown`,
        ),
      );
    }
  }

  /** Ends all batches, since their entries will not come any more. */
  abandon(reason: string): void {
    for (const proposal of this.#byBatch.values()) {
      proposal.fail(
        new OutcomeUnknownError(`${reason}: the outcome is unknown`),
      );
    }
    this.#byBatch.clear();
  }
}
