/**
 * Why snapshots were not taken, in a few words. It does no I/O.
 *
 * @module
 */
import { SnapshotStoreError } from "../snapshot/store.ts";

/** The most characters of one reason, and of all of them together. */
const REASON_CHARACTERS_MAX = 120;
const TEXT_CHARACTERS_MAX = 600;

/** The reasons of one search. */
export class Refusals {
  /** How often each place gave each reason. */
  readonly #counts = new Map<string, Map<string, number>>();

  /**
   * @param place Where the snapshot was, or may have been.
   * @param error Why it was not taken.
   */
  add(place: string, error: Error): void {
    const counts = this.#counts.get(place) ?? new Map<string, number>();
    this.#counts.set(place, counts);
    const reason = brief(error);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }

  /** As in "http://b: unreachable; the bucket: damaged, too old for the log (2)". */
  get text(): string {
    const text = [...this.#counts].map(([place, counts]) =>
      `${place}: ${
        [...counts].map(([reason, count]) =>
          count === 1 ? reason : `${reason} (${count})`
        ).join(", ")
      }`
    ).join("; ");
    return shorten(text, TEXT_CHARACTERS_MAX);
  }

  /** The same as the end of a sentence about what was taken. */
  get suffix(): string {
    return this.#counts.size === 0 ? "" : ` (not from ${this.text})`;
  }
}

/** What stands before the details. */
function brief(error: Error): string {
  // A store's message begins with what can't be done, and then says why.
  const { message } = error;
  const text = error instanceof SnapshotStoreError
    ? message
    : message.split(": ", 1)[0];
  return shorten(text, REASON_CHARACTERS_MAX);
}

function shorten(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
