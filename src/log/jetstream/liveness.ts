/**
 * Whether a consumer is alive, and when to look at the stream while it is. It
 * does no I/O. Heartbeats alone prove nothing: a paused consumer sends them too.
 *
 * @module
 */

/** How often an idle stream gives a sign of life, and after how long without one it is gone. */
export const HEARTBEAT_MS = 500;
export const SILENCE_MAX_MS = 2_000;

/** How often the stream's end, settings and limits are looked at. */
export const LOOK_MS = 2_000;

/** For how long a consumer may give nothing while the stream has more. */
export const PROGRESS_MAX_MS = 2_000;

/** One consumer's signs of life. */
export class Liveness {
  #heardAt_ms: number;
  #lookAt_ms: number;
  #fed: number;
  /** When `#fed` moved, or when the stream was seen to have more. */
  #movedAt_ms: number;
  /** The stream's end as it was seen. */
  #end: number;

  /**
   * @param fed The sequence of the last entry that was fed.
   * @param now_ms When the consumer was started.
   */
  constructor(fed: number, now_ms: number) {
    this.#heardAt_ms = now_ms;
    this.#lookAt_ms = now_ms + LOOK_MS;
    this.#fed = fed;
    this.#movedAt_ms = now_ms;
    this.#end = fed;
  }

  /** The stream's end as it was last seen. */
  get end(): number {
    return this.#end;
  }

  /** The consumer gave an entry or a heartbeat. */
  heard(now_ms: number): void {
    this.#heardAt_ms = now_ms;
  }

  /** A look found the stream's end. */
  saw(end: number, now_ms: number): void {
    if (this.#fed >= this.#end) this.#movedAt_ms = now_ms;
    this.#end = end;
  }

  /** @returns Whether it has been silent for too long. */
  isSilent(now_ms: number): boolean {
    return now_ms - this.#heardAt_ms > SILENCE_MAX_MS;
  }

  /**
   * @param fed The sequence of the last entry that was fed.
   * @param isHeldBack Whether entries wait to be taken, so that the server is
   * right to send no more.
   * @returns Whether the stream has more and the consumer gives nothing.
   */
  isStuck(fed: number, isHeldBack: boolean, now_ms: number): boolean {
    if (fed !== this.#fed || isHeldBack) {
      this.#fed = fed;
      this.#movedAt_ms = now_ms;
    }
    return fed < this.#end && now_ms - this.#movedAt_ms > PROGRESS_MAX_MS;
  }

  /** @returns Whether it is time to look at the stream; then not again soon. */
  isLookDue(now_ms: number): boolean {
    if (now_ms < this.#lookAt_ms) return false;
    this.#lookAt_ms = now_ms + LOOK_MS;
    return true;
  }
}
