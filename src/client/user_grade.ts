/**
 * What the service keeps, and what it says of it.
 *
 * @module
 */

/** What is kept of a user. The numbers are integers within ±(2^53 - 1). */
export interface UserGrade {
  readonly user_id: string;
  readonly postpaid_limit: number;
  readonly spp: number;
  readonly shipping_fee: number;
  readonly return_fee: number;
}

/** A set: what is left out keeps its value, or is 0 for a new user. */
export type UserGradePatch =
  & Pick<UserGrade, "user_id">
  & Partial<Omit<UserGrade, "user_id">>;

/** What a deletion found. */
export interface Deleted {
  readonly user_id: string;
  /** Whether there was such a user. */
  readonly existed: boolean;
}

/** What an import has stored. */
export interface Imported {
  readonly rows: number;
  /** How many users were deleted, if that was asked for. */
  readonly deleted?: number;
  readonly log_sequence: number;
}

/** A backup on its way. */
export interface Backup {
  /** The bytes of a csv.gz file; it fails if the connection breaks. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** The sequence of the last entry that it includes: watch from there. */
  readonly sequence: number;
  /** As the service calls the file; undefined if it does not say. */
  readonly fileName: string | undefined;
}

/** A change that was committed. */
export type WatchedChange =
  | {
    readonly type: "set";
    /** The log's entry that has it. */
    readonly sequence: number;
    /** The whole record after it. */
    readonly grade: UserGrade;
  }
  | {
    readonly type: "delete";
    readonly sequence: number;
    readonly user_id: string;
  };

/**
 * A URL would have U+FFFD in the place of half a character, and so name another
 * user.
 *
 * @throws {TypeError} If a user id is not well-formed Unicode.
 */
export function assertWellFormed(userId: string): void {
  if (!userId.isWellFormed()) {
    throw new TypeError("A user id has half a character (a lone surrogate)");
  }
}
