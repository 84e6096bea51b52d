/**
 * What a client sends at once, on its way: a set, or several changes that are
 * never split over two entries. It does no I/O.
 *
 * @module
 */
import type { CommittedSet } from "../committed.ts";
import { type Change, entryText, type EntryVersion } from "../log/change.ts";
import { charactersOf } from "../log/entry_payload.ts";
import {
  type ChangeOutcome,
  type UserChange,
  type UserGrade,
  userGradeJson,
} from "../user_grade.ts";

/** Changes that commit together. */
export interface Unit {
  /** Since when they wait, in milliseconds. */
  readonly since_ms: number;
  /** How many changes there are. */
  readonly count: number;
  /** How many of them are deletions. */
  readonly deletions: number;
  /** The lowest version of entries that can say them. */
  readonly version: EntryVersion;
  /**
   * For how many characters the changes count among those of an entry, with
   * commas between: not fewer than they take.
   */
  readonly characters: number;

  /** Adds what is applied, in order. */
  addTo(changes: Readonly<UserChange>[]): void;

  /**
   * They are committed and applied: tells their client.
   *
   * @param outcomes What the changes of the entry left.
   * @param first Where these changes begin among them.
   * @param sequence The sequence of the entry.
   */
  answer(
    outcomes: readonly ChangeOutcome[],
    first: number,
    sequence: number,
  ): void;

  /** They did not commit: tells their client. */
  reject(error: Error): void;
}

/** How a client hears of the end of what it has sent. */
class Ending<Committed> {
  readonly promise: Promise<Committed>;
  protected resolve!: (committed: Committed) => void;
  reject!: (error: Error) => void;

  constructor(readonly since_ms: number) {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** The most characters of a set besides its id. */
const SET_CHARACTERS_MAX = userGradeJson(
  "",
  -Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
).length;

/** One set. Hot: it holds no more than it needs. */
export class SetUnit extends Ending<CommittedSet> implements Unit {
  constructor(private readonly change: Change, since_ms: number) {
    super(since_ms);
  }

  get count(): number {
    return 1;
  }

  get deletions(): number {
    return 0;
  }

  get version(): EntryVersion {
    return 1;
  }

  get characters(): number {
    // A quotation mark or a backslash takes two.
    return SET_CHARACTERS_MAX + 2 * this.change.change.user_id.length;
  }

  addTo(changes: Readonly<UserChange>[]): void {
    changes.push(this.change.change);
  }

  answer(
    outcomes: readonly ChangeOutcome[],
    first: number,
    sequence: number,
  ): void {
    this.resolve({ grade: outcomes[first] as UserGrade, sequence });
  }
}

/**
 * Makes what the client of some changes gets.
 *
 * @param outcomes What each of them left.
 * @param sequence The entry in which they committed.
 */
export type ToCommitted<Committed> = (
  outcomes: readonly ChangeOutcome[],
  sequence: number,
) => Committed;

/** Several changes, or one that is no set. */
export class ChangesUnit<Committed> extends Ending<Committed> implements Unit {
  readonly characters: number;
  readonly deletions: number;

  /**
   * @param changes The changes, at least one.
   * @param toCommitted Makes what their client gets of what each of them left.
   */
  constructor(
    private readonly changes: readonly Change[],
    since_ms: number,
    private readonly toCommitted: ToCommitted<Committed>,
  ) {
    super(since_ms);
    const text = entryText(changes.map(({ change }) => change));
    this.characters = charactersOf(text);
    this.deletions = changes.filter(({ version }) => version === 2).length;
  }

  get count(): number {
    return this.changes.length;
  }

  get version(): EntryVersion {
    return this.deletions > 0 ? 2 : 1;
  }

  addTo(changes: Readonly<UserChange>[]): void {
    for (const { change } of this.changes) changes.push(change);
  }

  answer(
    outcomes: readonly ChangeOutcome[],
    first: number,
    sequence: number,
  ): void {
    const own = outcomes.slice(first, first + this.count);
    this.resolve(this.toCommitted(own, sequence));
  }
}
