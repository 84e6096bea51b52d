/**
 * Changes as server-sent events (HTML standard, 9.2).
 *
 * @module
 */
import type { RecentChanges } from "../ports/watch.ts";

/** How long a text gets in characters, its last event not counted. */
const TEXT_CHARACTERS_MAX = 64 * 1024;

/** How long a client waits before it comes back, if it asks us. */
const RETRY_MS = 1_000;

/** The first changes of some, as text. */
export interface EventsText {
  readonly text: string;
  /** How many changes it holds. */
  readonly count: number;
}

/**
 * Writes changes until the text is long enough. The last event of an entry has
 * the entry's sequence as its id.
 *
 * @param changes Where they are.
 * @param numbers Those that are wanted, in their order, at least one. After the
 * last of them its entry has no more that are wanted.
 * @param countMax The most that are written, at least 1.
 */
export function eventsText(
  changes: RecentChanges,
  numbers: readonly number[],
  countMax = Infinity,
): EventsText {
  const most = Math.min(numbers.length, countMax);
  let text = "";
  let count = 0;
  while (count < most && text.length < TEXT_CHARACTERS_MAX) {
    const change = numbers[count++];
    const name = changes.isDeletion(change) ? "delete" : "set";
    text += `event: ${name}\ndata: ${changes.jsonOf(change)}\n`;
    const sequence = changes.sequenceOf(change);
    const isLast = count === numbers.length ||
      changes.sequenceOf(numbers[count]) !== sequence;
    text += isLast ? idText(sequence) : "\n";
  }
  return { text, count };
}

/**
 * @returns What ends an event with an id. Alone, it tells a client up to where
 * it has been told everything, and is no event.
 */
export function idText(sequence: number): string {
  return `id: ${sequence}\n\n`;
}

/** @returns What a stream begins with. */
export function greetingText(after: number): string {
  return `: changes after sequence ${after}\nretry: ${RETRY_MS}\n${
    idText(after)
  }`;
}

/** @returns What keeps a stream open that has nothing to tell. */
export function commentText(sequence: number): string {
  return `: nothing after sequence ${sequence} yet\n${idText(sequence)}`;
}

/**
 * @param reason One word.
 * @param detail What happened, and what to do.
 * @returns What a stream ends with.
 */
export function endText(reason: string, detail: string): string {
  return `event: end\ndata: ${JSON.stringify({ reason, detail })}\n\n`;
}
