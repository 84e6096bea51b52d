/**
 * What clients are told once their changes are committed and applied.
 *
 * @module
 */
import type { UserGrade } from "./user_grade.ts";

/** A set that is committed and applied. */
export interface CommittedSet {
  /** The whole record after the set. */
  readonly grade: UserGrade;
  /** The sequence of the set's entry. */
  readonly sequence: number;
}

/** Sets that are committed together, as one entry, and applied. */
export interface CommittedSets {
  /** For each set, in order, the whole record after it. */
  readonly grades: readonly UserGrade[];
  /** The sequence of their entry. */
  readonly sequence: number;
}

/** What a deletion did. */
export interface Deletion {
  readonly user_id: string;
  /** Whether there was a record. */
  readonly existed: boolean;
}

/** A deletion that is committed and applied. */
export interface CommittedDeletion extends Deletion {
  /** The sequence of its entry. */
  readonly sequence: number;
}

/** Deletions that are committed together, as one entry, and applied. */
export interface CommittedDeletions {
  /** What each of them did, in order. */
  readonly deleted: readonly Deletion[];
  /** The sequence of their entry. */
  readonly sequence: number;
}
