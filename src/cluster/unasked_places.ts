/**
 * Places that may hold more than the log and can't be asked now: they must not
 * count as empty. It does no I/O.
 *
 * @module
 */
import type { FoundLog } from "./misfit.ts";

/**
 * How long a start beside a log that has entries waits for such a place: servers
 * that were started together take seconds to agree on who leads each stream. A
 * place that is broken must not keep a whole cluster down.
 */
export const UNASKED_MAX_MS = 5_000;

/** The places that have not answered. */
export class UnaskedPlaces {
  /** Why each can't be asked, by its name. */
  readonly #reasons = new Map<string, string>();
  #since_ms: number | undefined;

  /** @param reason Why a place can't be asked; undefined if it has answered. */
  note(name: string, reason: string | undefined): void {
    if (reason === undefined) this.#reasons.delete(name);
    else this.#reasons.set(name, reason);
  }

  /**
   * @param log The log that was found; undefined if there is none.
   * @param isFollowed Whether a replica runs that may propose to it.
   * @returns Why a start must not go on; undefined if it may.
   */
  hindrance(
    log: FoundLog | undefined,
    isFollowed: boolean,
    now_ms: number,
  ): string | undefined {
    const [reason] = this.#reasons.values();
    if (reason === undefined) {
      this.#since_ms = undefined;
      return undefined;
    }
    this.#since_ms ??= now_ms;
    if (log !== undefined && log.lastSequence > 0) {
      // What a replica proposes that runs is not changed by this one's waiting.
      return isFollowed || now_ms - this.#since_ms >= UNASKED_MAX_MS
        ? undefined
        : `${reason}, where more of the log may be than NATS has`;
    }
    const state = log === undefined
      ? "NATS has no such stream"
      : "the log has no entries";
    return `${reason}, and ${state}: what is kept there may be all that is left. Repair that, or start with NEW_LOG=yes`;
  }
}
