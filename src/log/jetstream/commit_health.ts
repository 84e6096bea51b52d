/**
 * Whether this replica's sets commit, and when to try whether they do again.
 * It does no I/O.
 *
 * @module
 */

/** For how long sets may wait or be refused without a commit. */
export const STALL_AFTER_MS = 3_000;

/** How often a probe tries whether sets commit again. */
export const PROBE_MS = 2_000;

/** When clients' sets are taken again if there is nothing to probe with. */
export const BLIND_RETRY_MS = 10_000;

/** Why sets don't commit, if the log gives no reason. */
const NO_WORD =
  "the stream does not confirm what is published; look whether the broker's disk is full, and whether the stream has a leader and a quorum";

/** Sets either commit, or have not for some time. */
type Health =
  | { readonly type: "fine" }
  | { readonly type: "waiting"; readonly since_ms: number }
  | { readonly type: "stalled"; readonly since_ms: number; probeAt_ms: number };

const FINE: Health = { type: "fine" };

/** Whether one replica's sets commit, as far as it knows. */
export class CommitHealth {
  #health: Health = FINE;
  #reason: string | undefined;

  /** Whether no set has committed for too long. */
  get isStalled(): boolean {
    return this.#health.type === "stalled";
  }

  /** Why, in a few words. */
  get reason(): string {
    return `no set has committed for ${STALL_AFTER_MS / 1000} s: ${
      this.#reason ?? NO_WORD
    }`;
  }

  /** A set is published. */
  proposed(now_ms: number): void {
    if (this.#health.type === "fine") {
      this.#health = { type: "waiting", since_ms: now_ms };
    }
  }

  /** What was published is not waited for any more, and shows nothing. */
  withdrawn(): void {
    if (this.#health.type === "waiting") this.#health = FINE;
  }

  /** The log refused a set. */
  refused(reason: string, now_ms: number): void {
    this.#reason = reason;
    this.proposed(now_ms);
  }

  /** A set committed, or a new connection may commit again. */
  clear(): void {
    this.#health = FINE;
    this.#reason = undefined;
  }

  /**
   * @returns What to do: `stall` once, when none has committed for too long;
   * `probe` now and then while it lasts.
   */
  tick(now_ms: number): "stall" | "probe" | undefined {
    const health = this.#health;
    if (health.type === "fine") return undefined;
    const { since_ms } = health;
    if (health.type === "waiting") {
      if (now_ms - since_ms < STALL_AFTER_MS) return undefined;
      this.#health = { type: "stalled", since_ms, probeAt_ms: now_ms };
      return "stall";
    }
    if (now_ms < health.probeAt_ms) return undefined;
    health.probeAt_ms = now_ms + PROBE_MS;
    return "probe";
  }

  /** @returns Whether it has lasted so long that clients may try. */
  isBlindRetryDue(now_ms: number): boolean {
    return this.#health.type === "stalled" &&
      now_ms - this.#health.since_ms >= STALL_AFTER_MS + BLIND_RETRY_MS;
  }
}
