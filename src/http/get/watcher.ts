/**
 * One who watches: how far it has been told, and what it is told next. It does
 * no I/O.
 *
 * @module
 */
import type { RecentChanges } from "../ports/watch.ts";
import type { SharedTexts } from "./shared_texts.ts";
import { commentText, eventsText, greetingText, idText } from "./watch_text.ts";

/** How many changes of its users are found before they are told. */
export const MATCHES_MAX = 1_024;

/**
 * How many changes are searched in one go, which takes some 2 ms: then others
 * get their turn.
 */
export const SEARCHED_MAX = 4_096;

const encoder = new TextEncoder();

/** Up to where changes are told: the end of an entry. */
export interface Head {
  /** The number of the change after it. */
  readonly change: number;
  /** Its sequence. */
  readonly sequence: number;
}

/** What a watcher is told. */
export interface Told {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many events that is. */
  readonly events: number;
}

/** Where a watcher begins. */
export interface WatcherOptions {
  /** The sequence after which it wants the changes. */
  readonly after: number;
  /** The users whose changes it wants; undefined for all. */
  readonly userIds: ReadonlySet<string> | undefined;
}

/** A watcher. */
export class Watcher {
  /** Whether it has taken all that there was. */
  isHungry = false;
  /** When it took something last. */
  tookAt_ms = 0;
  /** When it is told next that there is nothing, if so. */
  commentAt_ms = 0;
  /**
   * Since when it waits for a sequence that the log is known not to have; now,
   * if it does not.
   */
  aheadSince_ms = 0;
  /** How many changes have come for it since it took something. */
  missed = 0;
  /** Whether its client has gone. */
  hasLeft = false;
  readonly userIds: ReadonlySet<string> | undefined;
  /** The sequence after which it wants the changes. */
  readonly after: number;
  #isGreeted = false;
  /**
   * The number of the next change that it may have to be told; Infinity while
   * the replica has not applied what it has been told elsewhere.
   */
  #next: number;
  /**
   * The next changes of its users, up to the head or too many. Invariant: none
   * but while it is hungry and the head moves.
   */
  #matches: number[] = [];

  constructor(
    private readonly changes: RecentChanges,
    { after, userIds }: WatcherOptions,
  ) {
    this.after = after;
    this.userIds = userIds;
    this.#next = after > changes.sequence
      ? Infinity
      : changes.firstAfter(after);
  }

  /** Whether changes that it has not been told are forgotten. */
  get isBehind(): boolean {
    return this.#next < this.changes.start;
  }

  /** A change of one of its users has come, before the head moves beyond it. */
  note(change: number): void {
    if (change < this.#next) return;
    if (!this.isHungry) this.missed++;
    else if (this.#matches.length <= MATCHES_MAX) this.#matches.push(change);
  }

  /**
   * All changes of its users up to the head are noted, and it was hungry before.
   *
   * @returns Whether there may be something for it.
   */
  noted({ change }: Head): boolean {
    const isNoted = this.userIds !== undefined && this.#next !== Infinity;
    if (!isNoted || this.#matches.length > 0) return true;
    this.#next = change;
    return false;
  }

  /**
   * @param head Up to where it may be told. Invariant: it is not behind.
   * @param shared The texts of those who watch everything.
   * @returns What it is told next; undefined if there is nothing yet.
   */
  take(head: Head, shared: SharedTexts): Told | undefined {
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      return told(greetingText(this.after));
    }
    if (this.#next === Infinity && head.sequence > this.after) {
      this.#next = this.changes.firstAfter(this.after);
    }
    if (this.#next >= head.change) return undefined;
    return this.userIds === undefined
      ? this.#takeAll(head, shared)
      : this.#takeMatches(head, this.userIds);
  }

  #takeAll(head: Head, shared: SharedTexts): Told {
    const { start, end, bytes } = shared.from(this.#next, head.change);
    this.#next = end;
    return { bytes, events: end - start };
  }

  #takeMatches(head: Head, userIds: ReadonlySet<string>): Told | undefined {
    const { changes } = this;
    let end = head.change;
    let matches = this.#matches;
    if (matches.length > 0) this.#matches = [];
    else ({ matches, end } = this.#search(end, userIds));
    if (matches.length === 0) {
      this.#next = end;
      // So it can go on from here, and asks for more.
      return end === head.change
        ? undefined
        : told(idText(changes.sequenceOf(end - 1)));
    }
    const { text, count } = eventsText(changes, matches, MATCHES_MAX);
    this.#next = count < matches.length ? matches[count] : end;
    return told(text, count);
  }

  /** Looks for changes of its users: enough of them, or up to an entry's end. */
  #search(
    headChange: number,
    userIds: ReadonlySet<string>,
  ): { matches: number[]; end: number } {
    const { changes } = this;
    const matches: number[] = [];
    const enough = this.#next + SEARCHED_MAX;
    let end = this.#next;
    for (; end < headChange && matches.length <= MATCHES_MAX; end++) {
      if (
        end >= enough && changes.sequenceOf(end) !== changes.sequenceOf(end - 1)
      ) break;
      if (userIds.has(changes.userIdOf(end))) matches.push(end);
    }
    return { matches, end };
  }

  /** @returns What a hungry watcher is told when nothing has come for long. */
  comment({ sequence }: Head): Told {
    return told(commentText(Math.max(sequence, this.after)));
  }
}

function told(text: string, events = 0): Told {
  return { bytes: encoder.encode(text), events };
}
