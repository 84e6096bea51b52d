/**
 * What clients ask of a replica. Changes are proposed to the log and answered
 * when they come back; gets are answered from the state.
 *
 * @module
 */
import { parseArray } from "../change_array.ts";
import type {
  CommittedDeletion,
  CommittedDeletions,
  CommittedSet,
  CommittedSets,
  Deletion,
} from "../committed.ts";
import { Change } from "../log/change.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { ChangeOutcome, DeletedUser, UserGrade } from "../user_grade.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { notReadable, notWritable, otherSequences } from "./not_ready.ts";
import { ReplicaView } from "./replica_view.ts";
import { SequenceWaiters } from "./sequence_waiters.ts";
import type { StateMachine } from "./state_machine.ts";
import type { ToCommitted } from "./unit.ts";

function deletionOf(outcome: ChangeOutcome): Deletion {
  const { user_id, existed } = outcome as DeletedUser;
  return { user_id, existed };
}

/** A replica that can be asked, and changed by way of its log. */
export class ReplicaRequests extends ReplicaView {
  protected readonly waiters = new SequenceWaiters();

  /**
   * @param machine What it has applied.
   * @param lifecycle Where it is in its life.
   * @param groupCommit Its own changes.
   * @param timeout_ms How long a wait for a sequence may take.
   * @param now The time in milliseconds.
   */
  constructor(
    machine: StateMachine,
    lifecycle: Lifecycle,
    groupCommit: GroupCommit,
    private readonly timeout_ms: number,
    protected readonly now: () => number,
  ) {
    super(machine, lifecycle, groupCommit);
  }

  /**
   * Proposes a set, as {@linkcode submit} does.
   *
   * @param value A partial user grade, from anyone.
   * @throws {InvalidUserGradeError} If the value is not valid; the error names
   * each field.
   */
  set(value: unknown): Promise<CommittedSet> {
    return this.submit(Change.set(value));
  }

  /**
   * Proposes a change.
   *
   * @param change The set, which has passed the gate to the log.
   * @returns The set once it is committed and applied here.
   * @throws {NotStoredError} If it is certainly not stored; try again later.
   * @throws {OutcomeUnknownError} If it may be stored or not.
   * @throws {NotAppliedError} If it is stored, but can't be applied here yet.
   */
  submit(change: Change): Promise<CommittedSet> {
    this.#checkWritable(1);
    return this.groupCommit.submit(change);
  }

  /**
   * Proposes sets that commit together, all or none, in one entry.
   *
   * @param values An array of partial user grades, from anyone.
   * @returns The whole records after the entry, each as it is after its own
   * set, once it is committed and applied here.
   * @throws {InvalidArrayError} If it is not an array, is empty or too long.
   * @throws {InvalidElementError} If an element is not valid.
   * @throws {EntryTooLargeError} If one entry can't hold them.
   * @throws {Error} As {@linkcode submit}.
   */
  setMany(values: unknown): Promise<CommittedSets> {
    return this.#submitAll(
      parseArray(values, Change.set),
      (outcomes, sequence) => ({
        grades: outcomes as readonly UserGrade[],
        sequence,
      }),
    );
  }

  /**
   * Proposes a deletion, which is harmless if there is no such user.
   *
   * @param value `{"user_id": "…"}`, from anyone.
   * @returns Whether there was a record, once that is deleted here.
   * @throws {InvalidUserGradeError} If the value is not valid; the error names
   * each field.
   * @throws {Error} As {@linkcode submit}.
   */
  delete(value: unknown): Promise<CommittedDeletion> {
    return this.#submitAll(
      [Change.delete(value)],
      ([outcome], sequence) => ({ ...deletionOf(outcome), sequence }),
    );
  }

  /**
   * Proposes deletions that commit together, as {@linkcode setMany} does sets.
   *
   * @param values An array of `{"user_id": "…"}`, from anyone.
   * @returns For each of them whether there was a record.
   */
  deleteMany(values: unknown): Promise<CommittedDeletions> {
    return this.#submitAll(
      parseArray(values, Change.delete),
      (outcomes, sequence) => ({ deleted: outcomes.map(deletionOf), sequence }),
    );
  }

  #submitAll<Committed>(
    changes: readonly Change[],
    toCommitted: ToCommitted<Committed>,
  ): Promise<Committed> {
    this.#checkWritable(changes.length);
    return this.groupCommit.submitAll(changes, toCommitted);
  }

  #checkWritable(changes: number): void {
    if (this.writable) return;
    this.groupCommit.refusedAtOnce(changes);
    throw notWritable(this);
  }

  /**
   * @returns The user's record as JSON text, or `undefined` if there is none.
   * @throws {NotReadyError} If this replica can't know yet.
   */
  getJson(id: string): string | undefined {
    if (!this.readable) throw notReadable(this);
    return this.machine.getJson(id);
  }

  /**
   * Looks for user ids, as `Storage.searchIds` does.
   *
   * @throws {NotReadyError} If this replica can't know yet.
   */
  searchIds(
    prefix: string,
    after: string,
    max: number,
  ): Generator<void, string[], void> {
    if (!this.readable) throw notReadable(this);
    return this.machine.searchIds(prefix, after, max);
  }

  /**
   * Waits until a sequence is applied, at most as long as a set may take.
   *
   * @throws {SequenceNotReachedError} If it takes longer.
   * @throws {NotReadyError} If this replica can't answer yet, or if the
   * sequences of the log mean other entries than those that it has applied.
   */
  async waitFor(sequence: number): Promise<void> {
    if (!this.readable) throw notReadable(this);
    if (this.lifecycle.hasOtherSequences) {
      throw otherSequences(this, sequence);
    }
    if (this.appliedSequence >= sequence) return;
    await this.waiters.wait(sequence, this.now() + this.timeout_ms);
  }

  /**
   * @returns The state as it is now; to be disposed of after use.
   * @throws {NotReadyError} If there is no whole state now.
   */
  snapshot(): Snapshot {
    if (!this.isWhole) throw notReadable(this);
    return this.machine.snapshot(this.log!.id);
  }
}
