/**
 * Texts of all changes, each written once for all who watch everything.
 *
 * @module
 */
import type { RecentChanges } from "../ports/watch.ts";
import { eventsText } from "./watch_text.ts";

/** How many texts are kept, of some 64 KiB each at most. */
const TEXTS_MAX = 16;

/** How many changes are in a text at most. */
const CHANGES_MAX = 1_024;

const encoder = new TextEncoder();

/** The changes from one on, as text. */
export interface SharedText {
  /** The number of its first change. */
  readonly start: number;
  /** The number of the change after its last one. */
  readonly end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The last texts that were asked for. */
export class SharedTexts {
  readonly #texts: SharedText[] = [];

  constructor(private readonly changes: RecentChanges) {}

  /**
   * @param start The number of the first change wanted.
   * @param end Where an entry ends, at least one change further.
   * @returns A text that begins there; all who are there get the same one.
   */
  from(start: number, end: number): SharedText {
    const found = this.#texts.findLast((text) => text.start === start);
    if (found !== undefined) return found;
    const text = this.#write(start, end);
    if (this.#texts.push(text) > TEXTS_MAX) this.#texts.shift();
    return text;
  }

  #write(start: number, end: number): SharedText {
    // One more than is written shows whether it ends its entry.
    const length = Math.min(end - start, CHANGES_MAX + 1);
    const numbers = Array.from({ length }, (_, i) => start + i);
    const { text, count } = eventsText(this.changes, numbers, CHANGES_MAX);
    return { start, end: start + count, bytes: encoder.encode(text) };
  }
}
