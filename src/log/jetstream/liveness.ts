/**
 * Whether a consumer is alive, and when to look at the stream while it is. It
 * does no I/O.
 *
 * @module
 */

/** How often an idle stream gives a sign of life, and after how long without one it is gone. */
export const HEARTBEAT_MS = 500;
export const SILENCE_MAX_MS = 2_000;

/** How often the stream's settings and limits are looked at. */
export const LOOK_MS = 5_000;

/** One consumer's signs of life. */
export class Liveness {
  #heardAt_ms: number;
  #lookAt_ms: number;

  /** @param now_ms When the consumer was started. */
  constructor(now_ms: number) {
    this.#heardAt_ms = now_ms;
    this.#lookAt_ms = now_ms + LOOK_MS;
  }

  /** The consumer gave an entry or a heartbeat. */
  heard(now_ms: number): void {
    this.#heardAt_ms = now_ms;
  }

  /** @returns Whether it has been silent for too long. */
  isSilent(now_ms: number): boolean {
    return now_ms - this.#heardAt_ms > SILENCE_MAX_MS;
  }

  /** @returns Whether it is time to look at the stream; then not again soon. */
  isLookDue(now_ms: number): boolean {
    if (now_ms < this.#lookAt_ms) return false;
    this.#lookAt_ms = now_ms + LOOK_MS;
    return true;
  }
}
