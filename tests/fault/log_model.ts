/**
 * The truth of a run: the log's entries, applied in order, with every record
 * as it was at every sequence.
 *
 * @module
 */
import { Storage } from "../../src/storage/storage.ts";
import type { UserGrade, UserGradePatch } from "../../src/user_grade.ts";
import { Model } from "../support/model.ts";
import { MARKER } from "./history.ts";

/** Where a set is in the log. */
export interface Placed {
  readonly sequence: number;
  readonly patch: UserGradePatch;
  /** The record right after it. */
  readonly grade: UserGrade;
}

interface Version {
  readonly sequence: number;
  readonly grade: UserGrade;
}

/** A log that has been read to its end. */
export class LogModel {
  /** The sets in the log by marker: one each, unless something is wrong. */
  readonly placed = new Map<number | undefined, Placed[]>();
  /** Each user's records, by ascending sequence, one a sequence at most. */
  readonly #versions = new Map<string, Version[]>();
  /** The digest of the state at the end. */
  readonly digest: string;

  /** @param entries The patches of each entry, from sequence 1 on. */
  constructor(readonly entries: readonly (readonly UserGradePatch[])[]) {
    const model = new Model();
    for (const [index, patches] of entries.entries()) {
      for (const patch of patches) {
        this.#place(index + 1, patch, model.set(patch));
      }
    }
    const storage = new Storage();
    for (const grade of model.users.values()) storage.set(grade);
    this.digest = storage.digest;
  }

  #place(sequence: number, patch: UserGradePatch, grade: UserGrade): void {
    const places = this.placed.get(patch[MARKER]) ?? [];
    places.push({ sequence, patch, grade });
    this.placed.set(patch[MARKER], places);
    const versions = this.#versions.get(patch.user_id) ?? [];
    if (versions.at(-1)?.sequence === sequence) versions.pop();
    versions.push({ sequence, grade });
    this.#versions.set(patch.user_id, versions);
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
    const versions = this.#versions.get(user) ?? [];
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (versions[middle].sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return versions[low - 1]?.grade;
  }
}
