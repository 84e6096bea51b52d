/**
 * What the routes that change records need of the service. It hands over its
 * parts as interfaces: HTTP knows none of their classes.
 *
 * @module
 */
import type {
  CommittedDeletion,
  CommittedDeletions,
  CommittedSet,
  CommittedSets,
} from "../../committed.ts";

/** Takes sets and deletions. */
export interface SetTarget {
  /** The sequence of the last applied entry. */
  readonly appliedSequence: number;

  /**
   * Proposes a set.
   *
   * @param value A partial user grade, from anyone.
   * @returns The set once it is committed and applied here.
   * @throws {InvalidUserGradeError} If the value is not one; it names each
   * field.
   * @throws {UnavailableError} If it is certainly not stored.
   * @throws {UnconfirmedError} If it may be stored, or can't be applied here.
   */
  set(value: unknown): Promise<CommittedSet>;

  /**
   * Proposes sets that commit together, all or none.
   *
   * @param values An array of partial user grades, from anyone.
   * @returns The sets once they are committed and applied here.
   * @throws {InvalidArrayError} If it is empty or too long.
   * @throws {InvalidElementError} If an element is not valid; it names which.
   * @throws {TooLargeError} If they are more than one entry holds.
   * @throws {Error} As {@linkcode set}.
   */
  setMany(values: readonly unknown[]): Promise<CommittedSets>;

  /**
   * Proposes a deletion, harmless if there is no such user.
   *
   * @param value `{"user_id": "…"}`, from anyone.
   * @returns The deletion once it is committed and applied here.
   * @throws {Error} As {@linkcode set}.
   */
  delete(value: unknown): Promise<CommittedDeletion>;

  /** Proposes deletions that commit together, as {@linkcode setMany} does sets. */
  deleteMany(values: readonly unknown[]): Promise<CommittedDeletions>;
}
