/**
 * What the clients of a run asked, when, and what they were answered.
 *
 * @module
 */
import type { UserGrade, UserGradePatch } from "../../src/user_grade.ts";

/**
 * The field that makes each set one that can be told from all others: no two
 * sets of a run give it the same value.
 */
export const MARKER = "return_fee";

/** A patch with its marker. */
export type MarkedPatch = UserGradePatch & { [MARKER]: number };

/** How a set ended, as its client knows it. */
export type SetOutcome =
  /** 200: committed and applied, with the record after it. */
  | {
    readonly type: "acknowledged";
    readonly sequence: number;
    readonly grade: UserGrade;
  }
  /** 503: certainly not stored. */
  | { readonly type: "refused" }
  /** 504, or no answer: nobody can say. */
  | { readonly type: "unknown" };

/** One set. */
export interface SetRecord {
  readonly replica: number;
  readonly patch: MarkedPatch;
  /** When it was sent and when its end was known, on the run's clock. */
  readonly asked_ms: number;
  readonly answered_ms: number;
  readonly outcome: SetOutcome;
}

/** One get that was answered with 200 or 404. */
export interface GetRecord {
  readonly replica: number;
  readonly user: string;
  readonly asked_ms: number;
  readonly answered_ms: number;
  /** The record and the sequence at which it stood; undefined for a 404. */
  readonly found:
    | { readonly sequence: number; readonly grade: UserGrade }
    | undefined;
}

/** A snapshot that was asked for, and of which a replica said that it is kept. */
export interface RequestedSnapshot {
  readonly replica: number;
  readonly asked_ms: number;
  readonly sequence: number;
  readonly rows: number;
}

/** A run's whole history. */
export interface History {
  readonly sets: SetRecord[];
  readonly gets: GetRecord[];
  readonly snapshots: RequestedSnapshot[];
}

/** A snapshot that is kept at the end. */
export interface KeptSnapshot {
  readonly name: string;
  readonly sequence: number;
  readonly users: readonly UserGrade[];
}

/** What a replica has at the end, when nothing happens any more. */
export interface FinalState {
  readonly replica: number;
  readonly sequence: number;
  readonly digest: string;
  /** The record of each user that was ever asked for; undefined for a 404. */
  readonly users: ReadonlyMap<string, UserGrade | undefined>;
}
