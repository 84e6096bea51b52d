/**
 * The truth of a run: the log's entries, applied in order, with every record
 * as it was at every sequence.
 *
 * @module
 */
import { isDeletion } from "../../src/log/change.ts";
import { Storage } from "../../src/storage/storage.ts";
import type {
  ChangeOutcome,
  UserChange,
  UserDeletion,
  UserGrade,
  UserGradePatch,
} from "../../src/user_grade.ts";
import { Model } from "../support/model.ts";
import { markerOf } from "./deletion_marks.ts";
import { MARKER } from "./history.ts";

/** A change of the log; a deletion with the marker that comes after it. */
export type PlacedChange =
  | UserGradePatch
  | UserDeletion & { readonly [MARKER]?: number };

/** Where a change is in the log. */
export interface Placed {
  readonly sequence: number;
  readonly change: PlacedChange;
  /** What it left. */
  readonly left: ChangeOutcome;
}

interface Version {
  readonly sequence: number;
  /** Undefined if there is no record. */
  readonly grade: UserGrade | undefined;
}

/** A log that has been read to its end. */
export class LogModel {
  /** The changes in the log by marker: one each, unless something is wrong. */
  readonly placed = new Map<number | undefined, Placed[]>();
  /** What each change left, by entry, from sequence 1 on. */
  readonly outcomes: readonly (readonly ChangeOutcome[])[];
  /** Each user's records, by ascending sequence, one a sequence at most. */
  readonly #versions = new Map<string, Version[]>();
  /** The digest of the state at the end. */
  readonly digest: string;

  /** @param entries The changes of each entry, from sequence 1 on. */
  constructor(readonly entries: readonly (readonly UserChange[])[]) {
    const model = new Model();
    this.outcomes = entries.map((changes, index) =>
      changes.map((change, place) => {
        const left = apply(model, change);
        const sequence = index + 1;
        this.#note(change.user_id, sequence, model);
        const marked = withMarker(changes, place);
        if (marked !== undefined) this.#place(sequence, marked, left);
        return left;
      })
    );
    const storage = new Storage();
    for (const grade of model.users.values()) storage.set(grade);
    this.digest = storage.digest;
  }

  #place(sequence: number, change: PlacedChange, left: ChangeOutcome): void {
    const places = this.placed.get(change[MARKER]) ?? [];
    places.push({ sequence, change, left });
    this.placed.set(change[MARKER], places);
  }

  #note(user: string, sequence: number, { users }: Model): void {
    const versions = this.#versions.get(user) ?? [];
    if (versions.at(-1)?.sequence === sequence) versions.pop();
    versions.push({ sequence, grade: users.get(user) });
    this.#versions.set(user, versions);
  }

  /** The sequence of the last entry. */
  get lastSequence(): number {
    return this.entries.length;
  }

  /** @returns All records after an entry, ordered by user id. */
  stateAt(sequence: number): UserGrade[] {
    return [...this.#versions.keys()].sort()
      .map((user) => this.at(user, sequence))
      .filter((grade) => grade !== undefined);
  }

  /** @returns The user's record after an entry; undefined if there was none. */
  at(user: string, sequence: number): UserGrade | undefined {
    return this.#versionsTo(user, sequence).at(-1)?.grade;
  }

  /** @returns Whether there was no such user after an entry, or a later one. */
  isAbsent(user: string, sequence: number): boolean {
    const known = this.#versionsTo(user, sequence).length;
    return this.at(user, sequence) === undefined ||
      this.#versions.get(user)!.slice(known)
        .some(({ grade }) => grade === undefined);
  }

  #versionsTo(user: string, sequence: number): Version[] {
    const versions = this.#versions.get(user) ?? [];
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (versions[middle].sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return versions.slice(0, low);
  }
}

function apply(model: Model, change: UserChange): ChangeOutcome {
  if (!isDeletion(change)) return model.set(change);
  const { user_id } = change;
  return { user_id, deleted: true, existed: model.delete(user_id) };
}

/** @returns A change as it was sent; undefined for what marks a deletion. */
function withMarker(
  changes: readonly UserChange[],
  place: number,
): PlacedChange | undefined {
  const change = changes[place];
  if (!isDeletion(change)) return change;
  const next = changes.at(place + 1);
  const marker = next && isDeletion(next) ? markerOf(next) : undefined;
  if (marker !== undefined) return { ...change, [MARKER]: marker };
  const isMark = markerOf(change) !== undefined && place > 0 &&
    isDeletion(changes[place - 1]);
  return isMark ? undefined : change;
}
