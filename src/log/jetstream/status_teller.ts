/**
 * Which changes of the log's status are reported: each new state, and causes that
 * alternate only now and then. It does no I/O.
 *
 * @module
 */
import type { LogStatus } from "../log.ts";

/** After how long a reason is reported again. */
export const REPEAT_MS = 60_000;

/** The most reasons that are remembered. */
const REASONS_MAX = 32;

/** Keeps the status as it was told. */
export class StatusTeller {
  #status: LogStatus = { state: "away", reason: "the log is not open yet" };
  #isAhead = false;
  /** When each reason was told, since the log was usable last. */
  readonly #told_ms = new Map<string, number>();

  /** The status as it was told last. */
  get status(): LogStatus {
    return this.#status;
  }

  /**
   * The stream was judged, and this replica is not ahead of it any more. That
   * the broker is away, or can't be asked, does not show that.
   */
  notAhead(): void {
    this.#isAhead = false;
  }

  /**
   * @param missing As in {@linkcode LogStatus}.
   * @returns The status if it is another one now.
   */
  change(
    state: LogStatus["state"],
    reason: string,
    now_ms: number,
    missing?: number,
  ): LogStatus | undefined {
    const before = this.#status;
    if (
      state === before.state && reason === before.reason &&
      missing === before.missing
    ) return undefined;
    // It needs another version of this program.
    if (before.state === "upgrade_required") return undefined;
    if (state === "away" && this.#isAhead) return undefined;
    this.#isAhead = state === "ahead_of_log";
    const told_ms = this.#told_ms.get(reason) ?? -Infinity;
    const isRepeated = state === before.state && now_ms - told_ms < REPEAT_MS;
    if (state === "connected" || this.#told_ms.size >= REASONS_MAX) {
      this.#told_ms.clear();
    }
    if (!isRepeated) this.#told_ms.set(reason, now_ms);
    return this.#status = {
      state,
      reason,
      ...(missing !== undefined && { missing }),
      ...(isRepeated && { isRepeated }),
    };
  }
}
