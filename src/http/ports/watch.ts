/**
 * What the route that watches changes needs of the service.
 *
 * @module
 */

/** The last changes of a replica, numbered in their order from its start on. */
export interface RecentChanges {
  /** The number of the oldest change that is kept. */
  readonly start: number;
  /** The number that the next change gets. Invariant: an entry ends before it. */
  readonly end: number;
  /** The lowest sequence after which all changes are kept. */
  readonly floor: number;
  /** The sequence up to which all changes are here. */
  readonly sequence: number;
  /** How often changes came that are not here: those before are forgotten. */
  readonly gaps: number;
  /** Told when there is more, or a gap. */
  onChange: (() => void) | undefined;

  /** @returns The number of the first change of the entries after a sequence. */
  firstAfter(sequence: number): number;
  /** The sequence of a change's entry. */
  sequenceOf(change: number): number;
  /** Whether a change is a deletion. */
  isDeletion(change: number): boolean;
  /** The id of the user whom a change concerns. */
  userIdOf(change: number): string;
  /** What a change left: the record, or the id of a deleted user, as JSON. */
  jsonOf(change: number): string;
}

/** Says whether changes can be watched. */
export interface WatchSource {
  /** Whether gets are answered. */
  readonly readable: boolean;
  /** Whether the log goes on from another state than the replica's. */
  readonly isForked: boolean;
  /** Whether the log can be proposed to. */
  readonly connected: boolean;
  /** The sequence of the last entry known to be in the log. */
  readonly lastSequence: number;

  /**
   * @throws {UnavailableError} If it can't be told now what came after a
   * sequence.
   */
  assertWatchable(): void;
}
