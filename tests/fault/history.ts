/**
 * What the clients of a run asked, when, and what they were answered.
 *
 * @module
 */
import type {
  ChangeOutcome,
  UserDeletion,
  UserGrade,
  UserGradePatch,
} from "../../src/user_grade.ts";

/**
 * The field that makes each change one that can be told from all others: no two
 * of a run give it the same value.
 */
export const MARKER = "return_fee";

/** A patch with its marker. */
export type MarkedPatch = UserGradePatch & { [MARKER]: number };

/** A deletion with its marker. */
export type MarkedDeletion = UserDeletion & { [MARKER]: number };

/** How a change ended, as its client knows it. */
export type Outcome =
  /** 200: committed and applied, with what it left. */
  | {
    readonly type: "acknowledged";
    readonly sequence: number;
    readonly left: ChangeOutcome;
  }
  /** 503: certainly not stored. */
  | { readonly type: "refused" }
  /** 504, or no answer: the outcome is unknown. */
  | { readonly type: "unknown" };

/** One set or deletion. */
export interface ChangeRecord {
  readonly replica: number;
  readonly change: MarkedPatch | MarkedDeletion;
  /** When it was sent and when its end was known, on the run's clock. */
  readonly asked_ms: number;
  readonly answered_ms: number;
  readonly outcome: Outcome;
}

/** One get that was answered with 200 or 404. */
export interface GetRecord {
  readonly replica: number;
  readonly user: string;
  readonly asked_ms: number;
  readonly answered_ms: number;
  /**
   * The record, null if there was none, and the sequence at which that stood;
   * undefined for a 404, which names no sequence.
   */
  readonly found:
    | { readonly sequence: number; readonly grade: UserGrade | null }
    | undefined;
}

/** A snapshot that was asked for, and of which a replica said that it is kept. */
export interface RequestedSnapshot {
  readonly replica: number;
  readonly asked_ms: number;
  readonly sequence: number;
  readonly rows: number;
}

/** What a watcher was told of one entry. */
export interface WatchedEntry {
  readonly sequence: number;
  /** Its changes, in order. */
  readonly events: readonly { readonly name: string; readonly data: unknown }[];
}

/**
 * What a watcher was told, at one replica after the other, from a sequence on:
 * a watch that had to begin with a backup is another one.
 */
export interface WatchRecord {
  /** The users that it was about; undefined for all. */
  readonly users: readonly string[] | undefined;
  /** The sequence after which it began. */
  readonly after: number;
  readonly entries: WatchedEntry[];
  /** Up to which sequence it was told everything. */
  told: number;
}

/** A run's whole history. */
export interface History {
  readonly changes: ChangeRecord[];
  readonly gets: GetRecord[];
  readonly snapshots: RequestedSnapshot[];
  /** Watches without a gap. */
  readonly watches: WatchRecord[];
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
