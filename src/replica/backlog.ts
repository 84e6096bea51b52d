/**
 * What the log has given and the replica has not applied yet.
 *
 * @module
 */
import { type LogEntry, LogFailedError } from "../log/log.ts";
import { WINDOW_MESSAGES } from "../log/thread/window.ts";

/** The most deliveries that wait: the log gives no more until some are taken. */
export const BACKLOG_DELIVERIES_MAX = WINDOW_MESSAGES;

/** Entries that the log has given at once. */
interface Delivery {
  readonly entries: readonly LogEntry[];
  /** How many of them, from the first, are applied. */
  applied: number;
  /** Tells the log that all of them are. */
  readonly taken: () => void;
}

/** Deliveries in the order of the log; empty unless an entry has no room. */
export class Backlog {
  /** Invariant: the first one has an entry that is not applied. */
  readonly #deliveries: Delivery[] = [];

  /**
   * @param entries The next entries.
   * @param taken Called once all of them are applied.
   * @throws {LogFailedError} If more are waiting than the log may give.
   */
  push(entries: readonly LogEntry[], taken: () => void): void {
    if (this.#deliveries.length >= BACKLOG_DELIVERIES_MAX) {
      throw new LogFailedError(
        `The log gives more than the ${BACKLOG_DELIVERIES_MAX} deliveries that may wait`,
      );
    }
    if (entries.length === 0) return taken();
    this.#deliveries.push({ entries, applied: 0, taken });
  }

  /** The next entry to apply; undefined if there is none. */
  get next(): LogEntry | undefined {
    const first = this.#deliveries[0];
    return first?.entries[first.applied];
  }

  /** The next entry is applied. */
  advance(): void {
    const first = this.#deliveries[0];
    if (++first.applied < first.entries.length) return;
    this.#deliveries.shift();
    first.taken();
  }
}
