/**
 * What the routes that get and find records need of the service.
 *
 * @module
 */

/** Has the records. */
export interface RecordSource {
  /** The sequence of the last applied entry. */
  readonly appliedSequence: number;

  /**
   * @returns The user's record as JSON text, or `undefined` if there is none.
   * @throws {UnavailableError} If that can't be known yet.
   */
  getJson(userId: string): string | undefined;

  /**
   * Waits until a sequence is applied.
   *
   * @throws {UnavailableError} If it takes too long.
   */
  waitFor(sequence: number): Promise<void>;
}

/** Has the ids of all users. */
export interface UserIdSource {
  /**
   * Looks for the first user ids, in the order of their UTF-8 bytes, that begin
   * with `prefix` and come after `after`, at most `max`.
   *
   * @returns A generator that yields every few hundred microseconds, so that
   * others have their turn, and returns the ids.
   * @throws {UnavailableError} If that can't be known yet.
   */
  searchIds(
    prefix: string,
    after: string,
    max: number,
  ): Generator<void, string[], void>;
}
