/**
 * The numbers of a session's requests: an answer counts only for the request
 * that is waited for. It does no I/O.
 *
 * @module
 */

/**
 * After how long without an answer a request counts as failed. Longer than its
 * questions take to fail by themselves.
 */
export const ANSWER_MAX_MS = 10_000;

/** A request that is waited for. */
export interface AwaitedRequest {
  readonly request: number;
  readonly deadline_ms: number;
}

/** Numbers requests, and remembers the look at the stream while entries come. */
export class Requests {
  #last = 0;
  #aside: { readonly request: number; readonly asked_ms: number } | undefined;

  /** @returns A request that is waited for from now on. */
  begin(now_ms: number): AwaitedRequest {
    return { request: ++this.#last, deadline_ms: now_ms + ANSWER_MAX_MS };
  }

  /** @returns The number of a look beside the entries; the one before is forgotten. */
  beginAside(now_ms: number): number {
    const request = ++this.#last;
    this.#aside = { request, asked_ms: now_ms };
    return request;
  }

  /**
   * Whether the look aside is waited for: another one would take its place, and
   * none would ever be answered in time where NATS is slow.
   */
  isAsideUnderWay(now_ms: number): boolean {
    return this.#aside !== undefined &&
      now_ms - this.#aside.asked_ms < ANSWER_MAX_MS;
  }

  /**
   * A request has ended.
   *
   * @returns When the look aside was asked; undefined if it is another request.
   */
  endAside(request: number): number | undefined {
    if (request !== this.#aside?.request) return undefined;
    const { asked_ms } = this.#aside;
    this.#aside = undefined;
    return asked_ms;
  }

  /** Forgets the look aside: its answer is not wanted any more. */
  dropAside(): void {
    this.#aside = undefined;
  }
}
