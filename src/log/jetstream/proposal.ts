/**
 * One own batch that is published and has not come back yet. It does no I/O.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import { NotStoredError, type OutcomeUnknownError } from "../log.ts";
import { type Guard, isUnmet } from "./guard.ts";

/**
 * For how long a refusal has to stand, and the log's end be fed meanwhile,
 * before it is believed: anyone who sees a batch can answer it.
 */
export const REFUSAL_STANDS_MS = 250;

/** Why a batch is said to be refused. */
interface Refusal {
  readonly reason: string;
  readonly at_ms: number;
  /** The log's end as it was seen since; undefined until it was. */
  end: number | undefined;
}

/** One batch on its way; it ends exactly once. */
export class Proposal {
  /** What the last attempt asked of the stream. */
  guard: Guard | undefined;
  #attempts = 1;
  #published_ms: number;
  /** Why the first attempt is said to be refused. */
  #refusal: Refusal | undefined;
  /** The log's end, when a look had shown that the log is whole. */
  #end = 0;
  /** Whether the stream is said to lack what a later attempt asked for. */
  #isOutrun = false;
  readonly #ended = Promise.withResolvers<void>();

  /**
   * @param batch Its number.
   * @param payload Its entry.
   * @param version The version of that.
   * @param now_ms When it is published for the first time.
   * @param deadline_ms Until when it may be published again.
   */
  constructor(
    readonly batch: number,
    readonly payload: Uint8Array<ArrayBuffer>,
    readonly version: EntryVersion,
    now_ms: number,
    readonly deadline_ms: number,
  ) {
    this.#published_ms = now_ms;
  }

  /** Resolves when it has committed; rejects if it has not, or not in time. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** How often it was published. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The log's end, when a look had shown that the log is whole; 0 before. */
  get end(): number {
    return this.#end;
  }

  /** It has come back. */
  commit(): void {
    this.#ended.resolve();
  }

  /** It does not come back, or nobody waits for that any more. */
  fail(error: NotStoredError | OutcomeUnknownError): void {
    this.#ended.reject(error);
  }

  /** It is published once more. */
  published(now_ms: number): void {
    this.#published_ms = now_ms;
    this.#attempts++;
    this.#isOutrun = false;
  }

  /**
   * Whether to publish it again; not after its time, since the log may have
   * forgotten its id.
   */
  isDue(now_ms: number, after_ms: number): boolean {
    return this.#published_ms + after_ms <= now_ms &&
      this.deadline_ms > now_ms && this.#refusal === undefined;
  }

  /**
   * An answer says that the log refused it. That ends it only after a single
   * attempt: while the stream stores a batch, it refuses a second attempt as a
   * duplicate.
   *
   * @returns Whether it is to be confirmed by looking at the log.
   */
  refused(reason: string, now_ms: number): boolean {
    if (this.#refusal !== undefined) return false;
    if (this.#attempts > 1) {
      this.#isOutrun ||= isUnmet(reason);
      return false;
    }
    this.#refusal = { reason, at_ms: now_ms, end: undefined };
    return true;
  }

  /** Whether it is said to be refused. */
  get isRefused(): boolean {
    return this.#refusal !== undefined;
  }

  /** A look that was asked for at a time found the log's end. */
  sawEnd(asked_ms: number, end: number): void {
    const refusal = this.#refusal;
    if (refusal !== undefined && refusal.at_ms <= asked_ms) refusal.end ??= end;
  }

  /**
   * @param fed The last entry that was fed: up to there the batch has not come.
   * @returns The refusal, once it stands: all of the log is fed.
   */
  standingRefusal(fed: number, now_ms: number): NotStoredError | undefined {
    const refusal = this.#refusal;
    return refusal?.end !== undefined && refusal.end <= fed &&
        now_ms - refusal.at_ms >= REFUSAL_STANDS_MS
      ? new NotStoredError(refusal.reason)
      : undefined;
  }

  /**
   * A look that was asked for at a time has shown that the log has lost nothing:
   * a batch that was refused for want of an entry before it is not refused any
   * more. That entry was cut off or removed, or the server is older than 2.11
   * and looks for it on the subject of the batch alone.
   *
   * @param end The log's end then.
   * @returns Whether to publish it again, without that.
   */
  isWhole(asked_ms: number, end: number): boolean {
    const refusal = this.#refusal;
    if (
      this.guard === undefined || refusal === undefined ||
      refusal.at_ms > asked_ms || !isUnmet(refusal.reason)
    ) return false;
    this.#refusal = undefined;
    this.#end = end;
    return true;
  }

  /**
   * @param end The log's end, as far as it is known.
   * @returns Whether a later attempt came after others' entries.
   */
  isOutrun(end: number): boolean {
    const after = this.guard?.after;
    return this.#isOutrun && after !== undefined && after < end;
  }
}
